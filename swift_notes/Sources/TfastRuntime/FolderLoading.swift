import Synchronization
import TfastText

/// The parts of a portable folder, each of which may be loaded on a thread of its own.
final class FolderLoading: Sendable {
  /// In the order in which they are best begun: the longest first.
  enum Part: CaseIterable, Sendable {
    case model, files, reader
  }

  let description: FolderDescription
  private let path: String
  private let options: RuntimeOptions
  private let model = Mutex<(any CoreModel)?>(nil)
  private let reader = Mutex<TextReader?>(nil)
  private let failures = Mutex<[RuntimeError]>([])

  init(path: String, options: RuntimeOptions) throws(RuntimeError) {
    self.path = path
    self.options = options
    let content: Bytes
    do throws(FileError) {
      content = try readFile(path + "/tfast.json")
    } catch {
      throw RuntimeError(.folder, error.description)
    }
    description = try FolderDescription(json: content)
  }

  /// Loads a part; `result` tells how that went.
  func load(_ part: Part) {
    do throws(RuntimeError) {
      switch part {
      case .model: try loadModel()
      case .files: try checkFiles()
      case .reader: try loadReader()
      }
    } catch {
      failures.withLock { $0.append(error) }
    }
  }

  /// What was loaded, when all parts are.
  func result() throws(RuntimeError) -> (model: any CoreModel, reader: TextReader?) {
    let failures = failures.withLock { $0 }
    // A damaged file may be why a model cannot be loaded.
    if let failure = failures.first(where: { $0.kind == .folder }) ?? failures.first {
      throw failure
    }
    guard let model = model.withLock({ $0 }) else {
      throw RuntimeError(.folder, "\(path): it has no model")
    }
    return (model, reader.withLock { $0 })
  }

  private func loadModel() throws(RuntimeError) {
    let file = path + "/" + description.model
    let inputs =
      switch description.kind {
      case .text: ["token_ids", "lengths"]
      case .image: ["pixels"]
      }
    let loaded: any CoreModel
    if isLiteRt {
      // LiteRT trusts a file blindly, so not before it is checked.
      try checkModel()
      loaded = try LiteRtModel(
        path: file, library: LiteRtLibrary(path: LibrarySearch.liteRt.find(options.liteRtLibrary)),
        threads: options.threads, inputs: inputs)
    } else {
      loaded = try OnnxModel(
        path: file,
        runtime: OnnxRuntime(path: LibrarySearch.onnxRuntime.find(options.onnxRuntimeLibrary)),
        threads: options.threads, inputs: inputs)
    }
    model.withLock { $0 = loaded }
  }

  private var isLiteRt: Bool { description.model == "model.tflite" }

  private func loadReader() throws(RuntimeError) {
    guard case .text(let settings) = description.kind else { return }
    let loaded = try TextReader(folder: path, settings: settings)
    reader.withLock { $0 = loaded }
  }

  private func checkFiles() throws(RuntimeError) {
    for file in description.files where !(isLiteRt && file.path == description.model) {
      try check(file)
    }
  }

  private func checkModel() throws(RuntimeError) {
    for file in description.files where file.path == description.model { try check(file) }
  }

  private func check(_ file: (path: String, digest: String)) throws(RuntimeError) {
    let found: String
    do throws(FileError) {
      found = try sha256(ofFile: "\(path)/\(file.path)")
    } catch {
      throw RuntimeError(.folder, error.description)
    }
    guard found == file.digest else {
      throw RuntimeError(.folder, "\(path)/\(file.path) is damaged: its SHA-256 is \(found)")
    }
  }
}
