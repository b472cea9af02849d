import TfastRuntime
import TfastText

/// A portable folder or a SavedModel.
enum Classifier {
  case folder(PortableFolder)
  case savedModel(SavedModel)

  init(_ arguments: Arguments) throws {
    if canRead(arguments.folder + "/saved_model.pb") {
      let model = try withoutChatter {
        try SavedModel(path: arguments.folder, options: arguments.options)
      }
      self = .savedModel(model)
      if arguments.check {
        throw UsageError(description: "--check must be left out: a SavedModel has no examples")
      }
    } else {
      let folder = try withoutChatter {
        try PortableFolder(path: arguments.folder, options: arguments.options)
      }
      if arguments.check { try folder.checkExamples() }
      self = .folder(folder)
    }
  }

  private var readsTexts: Bool {
    switch self {
    case .savedModel(let model): return model.readsTexts
    case .folder(let folder):
      if case .text = folder.description.kind { return true }
      return false
    }
  }

  /// The answers for texts, or for image files of these names.
  func classify(_ inputs: [Bytes]) throws -> [Prediction] {
    let contents =
      readsTexts ? inputs : try inputs.map { try readFile(String(decoding: $0, as: UTF8.self)) }
    switch self {
    case .savedModel(let model): return try model.classify(contents)
    case .folder(let folder):
      return readsTexts
        ? try folder.classify(texts: contents) : try folder.classify(images: contents)
    }
  }
}

private func canRead(_ path: String) -> Bool {
  do {
    try checkFile(path)
    return true
  } catch {
    return false
  }
}
