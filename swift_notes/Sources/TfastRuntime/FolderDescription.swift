import TfastText

/// The content of a portable folder's tfast.json.
public struct FolderDescription: Sendable {
  /// What kind of thing is classified.
  public enum Kind: Sendable {
    case text(TextSettings)
    case image(ImageSettings)
  }

  /// How texts become ids.
  public struct TextSettings: Sendable {
    var options = TextTokenizer.Options()
    var reverse = false
    var maxTokens: Int?
  }

  /// How images become pixels.
  public struct ImageSettings: Sendable {
    var height = 0
    var width = 0
    var cropRatio = 1.0
    var antialias = true
  }

  /// An input and what the Keras model answered.
  public struct Example: Sendable {
    /// A text, or an image file's bytes.
    let input: Bytes
    let probabilities: [Double]
  }

  /// The newest format that is known here.
  static let format = 3

  public let kind: Kind
  public let model: String
  public let precision: String
  public let classNames: [String]
  public let tolerance: Double
  public let examples: [Example]
  /// SHA-256 in hexadecimal, by path in the folder.
  let files: [(path: String, digest: String)]

  /// - Parameter json: the content of tfast.json.
  init(json: Bytes) throws(RuntimeError) {
    guard let data = JSON(parsing: json) else { throw invalid("it is not JSON") }
    guard let format = data["format"]?.integer, format >= 1 else {
      throw invalid("format must be a whole number")
    }
    guard format <= Self.format else {
      throw invalid("format must be \(Self.format) or less, got \(format): it is of a newer tfast")
    }
    kind = try Self.kind(data)
    if case .image = kind, format > 1 {
      throw invalid("format must be 1 for images, got \(format): only tfast.runtime reads it")
    }
    model = try string(data, "model")
    precision = try string(data, "precision")
    let names = data["class_names"]?.elements?.map(\.text) ?? []
    guard !names.isEmpty, !names.contains(nil) else {
      throw invalid("class_names must be a list of strings")
    }
    classNames = names.compactMap(\.self)
    files = try Self.files(data)
    guard let tolerance = data["tolerance"]?.number, tolerance >= 0 else {
      throw invalid("tolerance must be a number")
    }
    self.tolerance = tolerance
    examples = try Self.examples(data, kind, classes: classNames.count)
    guard model == "model.onnx" || model == "model.tflite" else {
      throw invalid("model must be model.onnx or model.tflite, got \(model)")
    }
    // What is not listed is not compared with its SHA-256.
    var needed = [model]
    if case .text = kind { needed += [TextReader.tokenizerFile, TextReader.vocabularyFile] }
    for file in needed where !files.contains(where: { $0.path == file }) {
      throw invalid("files must have \(file)")
    }
  }

  private static func kind(_ data: JSON) throws(RuntimeError) -> Kind {
    switch try string(data, "kind") {
    case "text": return .text(try textSettings(data["tokenizer"]))
    case "image": return .image(try imageSettings(data["image"]))
    case let other: throw invalid("kind must be text or image, got \(other)")
    }
  }

  private static func textSettings(_ data: JSON?) throws(RuntimeError) -> TextSettings {
    guard let data else { throw invalid("tokenizer must be an object") }
    let splitter = try string(data, "splitter")
    guard splitter == "english" else {
      throw invalid("tokenizer.splitter must be english, got \(splitter): only TensorFlow reads it")
    }
    var settings = TextSettings()
    settings.options.addStart = try bool(data, "add_start")
    settings.options.addEnd = try bool(data, "add_end")
    settings.options.markFields = try bool(data, "mark_fields")
    // Older folders do not have it.
    if data["split_mentions"] != nil {
      settings.options.splitMentions = try bool(data, "split_mentions")
    }
    settings.reverse = try bool(data, "reverse")
    switch data["max_tokens"] {
    case nil, .null: break
    case let value:
      guard let number = value?.integer, number > 0 else {
        throw invalid("tokenizer.max_tokens must be a whole number above 0, or null")
      }
      settings.maxTokens = number
    }
    return settings
  }

  private static func imageSettings(_ data: JSON?) throws(RuntimeError) -> ImageSettings {
    let sides = data?["image_size"]?.elements?.map(\.integer) ?? []
    guard sides.count == 2, let height = sides[0], let width = sides[1],
      1...65536 ~= height, 1...65536 ~= width
    else { throw invalid("image.image_size must be two whole numbers") }
    guard let preprocessing = data?["preprocessing"],
      let ratio = preprocessing["crop_ratio"]?.number, 1...100 ~= ratio
    else { throw invalid("image.preprocessing.crop_ratio must be a number, 1 or more") }
    return ImageSettings(
      height: height, width: width, cropRatio: ratio,
      antialias: try bool(preprocessing, "antialias"))
  }

  private static func files(
    _ data: JSON
  ) throws(RuntimeError) -> [(path: String, digest: String)] {
    guard let members = data["files"]?.members else { throw invalid("files must be an object") }
    var files: [(path: String, digest: String)] = []
    for (key, value) in members {
      let path = String(decoding: key, as: UTF8.self)
      let parts = path.split(separator: "/", omittingEmptySubsequences: false)
      guard !parts.contains(where: { ["", ".", ".."].contains($0) }) else {
        throw invalid("files must be inside the folder, got \(path)")
      }
      guard let digest = value.text, digest.utf8.count == 64 else {
        throw invalid("files must have the SHA-256 of \(path)")
      }
      files.append((path, digest.lowercased()))
    }
    return files
  }

  private static func examples(
    _ data: JSON, _ kind: Kind, classes: Int
  ) throws(RuntimeError) -> [Example] {
    var examples: [Example] = []
    for example in data["examples"]?.elements ?? [] {
      let input: Bytes? =
        switch kind {
        case .text: example["text"]?.bytes
        case .image: example["image"]?.bytes.flatMap(decodedBase64)
        }
      let probabilities = example["probabilities"]?.elements?.compactMap(\.number) ?? []
      guard let input, probabilities.count == classes else {
        throw invalid("examples must have an input and \(classes) probabilities each")
      }
      examples.append(Example(input: input, probabilities: probabilities))
    }
    return examples
  }
}

private func invalid(_ what: String) -> RuntimeError {
  RuntimeError(.folder, "tfast.json: \(what)")
}

private func string(_ data: JSON, _ key: StaticString) throws(RuntimeError) -> String {
  guard let text = data[key]?.text else { throw invalid("\(key) must be a string") }
  return text
}

private func bool(_ data: JSON, _ key: StaticString) throws(RuntimeError) -> Bool {
  guard let value = data[key]?.bool else { throw invalid("\(key) must be true or false") }
  return value
}
