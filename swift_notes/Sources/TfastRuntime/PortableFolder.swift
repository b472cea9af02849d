import Dispatch
import TfastText

/// Where the libraries are, and how many threads they may use.
public struct RuntimeOptions: Sendable {
  /// The file `libonnxruntime.so.*`; nil asks the environment and then python3.
  public var onnxRuntimeLibrary: String?
  /// The file `libLiteRt.so`; likewise.
  public var liteRtLibrary: String?
  /// The file `libtensorflow_cc.so.2`; likewise.
  public var tensorFlowLibrary: String?
  /// Threads for one call; 0 leaves it to the library.
  public var threads = 0

  public init() {}
}

/// A folder that a portable export of tfast wrote, checked and ready to answer.
///
///     let folder = try PortableFolder(path: "classifier")
///     let [answer] = try folder.classify(texts: [Bytes("a good film".utf8)])
///     print(answer.label)
public struct PortableFolder: Sendable {
  public let description: FolderDescription
  private let model: any CoreModel
  private let reader: TextReader?

  /// Reads the folder. Every file's SHA-256 is checked, while the model is loaded.
  public init(path: String, options: RuntimeOptions = RuntimeOptions()) throws(RuntimeError) {
    let loading = try FolderLoading(path: path, options: options)
    DispatchQueue.concurrentPerform(iterations: FolderLoading.Part.allCases.count) { number in
      loading.load(FolderLoading.Part.allCases[number])
    }
    description = loading.description
    (model, reader) = try loading.result()
  }

  /// The answers for texts, in their order.
  public func classify(texts: [Bytes]) throws(RuntimeError) -> [Prediction] {
    guard let reader else { throw RuntimeError(.input, "the folder classifies images, not texts") }
    guard !texts.isEmpty else { return [] }
    let (ids, lengths) = reader.padded(texts)
    let time = ids.count / texts.count
    return try predictions(
      model.probabilities([
        ModelInput(name: "token_ids", values: .int32(ids), shape: [texts.count, time]),
        ModelInput(name: "lengths", values: .int32(lengths), shape: [texts.count]),
      ]),
      count: texts.count)
  }

  /// The answers for images, in their order: contents of PNG files or of binary PPM files
  /// (P6).
  public func classify(images: [Bytes]) throws(RuntimeError) -> [Prediction] {
    guard case .image(let settings) = description.kind else {
      throw RuntimeError(.input, "the folder classifies texts, not images")
    }
    guard !images.isEmpty else { return [] }
    var pixels = Bytes()
    for image in images {
      pixels += try PixelImage(file: image).prepared(settings).pixels
    }
    let shape = [images.count, settings.height, settings.width, 3]
    return try predictions(
      model.probabilities([ModelInput(name: "pixels", values: .uint8(pixels), shape: shape)]),
      count: images.count)
  }

  /// Answers the folder's own examples.
  ///
  /// - Returns: the largest difference of a probability from what the Keras model answered.
  /// - Throws: where that is more than the folder's tolerance, or no example can be read here.
  @discardableResult
  public func checkExamples() throws(RuntimeError) -> Double {
    var largest = 0.0
    guard !description.examples.isEmpty else {
      throw RuntimeError(.folder, "tfast.json: examples must not be empty")
    }
    for example in description.examples {
      let answers =
        if reader != nil {
          try classify(texts: [example.input])
        } else {
          try classify(images: [example.input])
        }
      for (found, expected) in zip(answers[0].probabilities, example.probabilities) {
        largest = max(largest, abs(Double(found) - expected))
      }
    }
    guard largest <= description.tolerance else {
      throw RuntimeError(
        .folder,
        "an example's probability differs by \(largest) from the model's; the tolerance is "
          + "\(description.tolerance)")
    }
    return largest
  }

  private func predictions(
    _ rows: [[Float]], count: Int
  ) throws(RuntimeError) -> [Prediction] {
    guard rows.count == count else {
      throw RuntimeError(.model, "the model must give \(count) answers, got \(rows.count)")
    }
    var predictions: [Prediction] = []
    for row in rows {
      predictions.append(try Prediction(row, classNames: description.classNames))
    }
    return predictions
  }
}
