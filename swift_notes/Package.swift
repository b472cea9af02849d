// swift-tools-version: 6.2
// Linux, the toolchain's own modules alone. The C targets hold declarations: onnxruntime, LiteRT
// and TensorFlow are found when a program runs, so the package builds without them.

import PackageDescription

let package = Package(
  name: "tfast",
  products: [
    .executable(name: "tfast-predict", targets: ["TfastPredict"]),
    .executable(name: "tfast-tokens", targets: ["TfastTokens"]),

    .library(name: "TfastGrad", targets: ["TfastGrad"]),
    .executable(name: "tfast-grad", targets: ["TfastGradCommand"]),

    // Two libraries of the same kernels: TensorFlow lists the operations that a library
    // registers while it is opened, and one that ctypes opened before would register nothing.
    .library(name: "TfastKernels", type: .dynamic, targets: ["TfastKernels"]),
    .library(
      name: "TfastMixupOperation", type: .dynamic,
      targets: ["TfastKernels", "CTfastMixupOperation"]),
  ],
  targets: [
    // Answers from raw text and images, without Python.
    .target(name: "TfastText"),
    .target(name: "COnnxRuntime"),
    .target(name: "CLiteRt"),
    .target(name: "CTensorFlow"),
    .target(name: "CSHA256"),
    .target(
      name: "TfastRuntime",
      dependencies: ["TfastText", "COnnxRuntime", "CLiteRt", "CTensorFlow", "CSHA256"]),
    .executableTarget(name: "TfastPredict", dependencies: ["TfastRuntime", "TfastText"]),
    .executableTarget(name: "TfastTokens", dependencies: ["TfastText"]),
    .testTarget(name: "TfastTextTests", dependencies: ["TfastText"]),
    .testTarget(name: "TfastRuntimeTests", dependencies: ["TfastRuntime", "TfastText"]),

    // Lesson 12 in differentiable Swift.
    .target(name: "TfastGrad"),
    .executableTarget(name: "TfastGradCommand", dependencies: ["TfastGrad"]),
    .testTarget(
      name: "TfastGradTests", dependencies: ["TfastGrad"], resources: [.copy("Goldens")]),

    // Swift called from Python: through ctypes, and as an operation of TensorFlow.
    .target(name: "TfastKernels"),
    .target(name: "CTfastMixupOperation"),
    .testTarget(name: "TfastKernelsTests", dependencies: ["TfastKernels"]),
  ],
  swiftLanguageModes: [.v6]
)
