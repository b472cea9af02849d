// swift-tools-version: 6.2
// Linux, the toolchain's own modules alone. The C targets hold declarations: onnxruntime and
// TensorFlow are found when a program runs, so the package builds without them.

import PackageDescription

let package = Package(
  name: "tfast",
  products: [
    .executable(name: "tfast-predict", targets: ["TfastPredict"]),
    .executable(name: "tfast-tokens", targets: ["TfastTokens"]),
  ],
  targets: [
    // Answers from raw text and images, without Python.
    .target(name: "TfastText"),
    .target(name: "COnnxRuntime"),
    .target(name: "CTensorFlow"),
    .target(name: "CSHA256"),
    .target(
      name: "TfastRuntime", dependencies: ["TfastText", "COnnxRuntime", "CTensorFlow", "CSHA256"]),
    .executableTarget(name: "TfastPredict", dependencies: ["TfastRuntime", "TfastText"]),
    .executableTarget(name: "TfastTokens", dependencies: ["TfastText"]),
    .testTarget(name: "TfastTextTests", dependencies: ["TfastText"]),
    .testTarget(name: "TfastRuntimeTests", dependencies: ["TfastRuntime", "TfastText"]),
  ],
  swiftLanguageModes: [.v6]
)
