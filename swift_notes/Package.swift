// swift-tools-version: 6.2
// Linux, the toolchain's own modules alone. The C targets hold declarations: onnxruntime and
// TensorFlow are found when a program runs, so the package builds without them.

import PackageDescription

let package = Package(
  name: "tfast",
  products: [
    .executable(name: "tfast-predict", targets: ["TfastPredict"])
  ],
  targets: [
    // Answers from raw text and images, without Python.
    .target(name: "TfastText"),
    .target(name: "COnnxRuntime"),
    .target(name: "CTensorFlow"),
    .target(name: "TfastRuntime", dependencies: ["TfastText", "COnnxRuntime", "CTensorFlow"]),
    .executableTarget(name: "TfastPredict", dependencies: ["TfastRuntime"]),
    .testTarget(
      name: "TfastTextTests", dependencies: ["TfastText"], resources: [.copy("Fixtures")]),
    .testTarget(
      name: "TfastRuntimeTests", dependencies: ["TfastRuntime"], resources: [.copy("Fixtures")]),
  ],
  swiftLanguageModes: [.v6]
)
