import CTensorFlow
import TfastText

/// A classifier that tfast exported as a SavedModel: raw texts or image files to labels.
public final class SavedModel: @unchecked Sendable {  // Sessions may be run from any thread.
  private let library: TensorFlowLibrary
  private let graph: OpaquePointer
  private let session: OpaquePointer
  private let input: TF_Output
  // Probabilities, labels and, where the model tells them, the names of the classes and why an
  // input cannot be read.
  private let outputs: [(name: String, output: TF_Output)]

  /// Whether it reads texts; else it reads the contents of image files.
  public let readsTexts: Bool

  /// - Parameter signature: the one to serve; it must take strings, `text` or `image_bytes`.
  public init(
    path: String, signature: String = "serving_default",
    options: RuntimeOptions = RuntimeOptions()
  ) throws(RuntimeError) {
    try checkReadable(path + "/saved_model.pb")
    library = try TensorFlowLibrary(path: LibrarySearch.tensorFlow.find(options.tensorFlowLibrary))
    graph = library.functions.NewGraph()
    let metaGraph: Bytes
    do {
      (session, metaGraph) = try Self.load(path, library, graph, threads: options.threads)
    } catch {
      library.functions.DeleteGraph(graph)
      throw error
    }
    do {
      let signatures = Signature.all(inMetaGraph: metaGraph)
      guard let found = signatures[signature] else {
        throw RuntimeError(
          .model, "\(path) has no signature \(signature), only \(signatures.keys.sorted())")
      }
      readsTexts = found.inputs["text"] != nil
      (input, outputs) = try Self.endpoints(found, library, graph, path: path)
    } catch {
      Self.release(library, session, graph)
      throw error as? RuntimeError ?? RuntimeError(.model, "\(error)")
    }
  }

  deinit { Self.release(library, session, graph) }

  /// The answers for texts, or for the contents of image files, in their order.
  public func classify(_ inputs: [Bytes]) throws(RuntimeError) -> [Prediction] {
    guard !inputs.isEmpty else { return [] }
    var values = [OpaquePointer?](repeating: nil, count: outputs.count)
    defer { for case let value? in values { library.functions.DeleteTensor(value) } }
    try withStringTensor(inputs) { (tensor) throws(RuntimeError) in
      try library.checked(.model) { status in
        library.functions.SessionRun(
          session, nil, [input], [tensor], 1, outputs.map(\.output), &values, CInt(outputs.count),
          nil, 0, nil, status)
      }
    }
    var byName: [String: OpaquePointer] = [:]
    for (output, value) in zip(outputs, values) { byName[output.name] = value }
    return try predictions(byName, count: inputs.count)
  }

  private func withStringTensor(
    _ texts: [Bytes], _ body: (OpaquePointer) throws(RuntimeError) -> Void
  ) throws(RuntimeError) {
    // In memory of their own: the tensor only points to them.
    let copies = texts.map { text in
      let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(text.count, 1))
      _ = copy.initialize(from: text)
      return copy
    }
    defer { for copy in copies { copy.deallocate() } }
    let pointers = copies.map {
      UnsafeRawPointer($0.baseAddress)?.assumingMemoryBound(to: CChar.self)
    }
    let tensor = withUnsafePointer(to: library.functions) { functions in
      tfast_string_tensor(functions, pointers, texts.map(\.count), texts.count)
    }
    guard let tensor else { throw RuntimeError(.model, "tensorflow gave no tensor") }
    defer { library.functions.DeleteTensor(tensor) }
    try body(tensor)
  }

  private func predictions(
    _ values: [String: OpaquePointer], count: Int
  ) throws(RuntimeError) -> [Prediction] {
    let functions = library.functions
    func shape(_ tensor: OpaquePointer) -> [Int] {
      (0..<functions.NumDims(tensor)).map { Int(functions.Dim(tensor, $0)) }
    }
    if let errors = values["errors"], shape(errors) == [count],
      let error = strings(errors, count).first(where: { !$0.isEmpty })
    {
      throw RuntimeError(.input, error)
    }
    guard let scores = values["probabilities"], let labels = values["labels"],
      shape(scores).count == 2, shape(scores)[0] == count, shape(labels) == [count],
      functions.TensorType(scores) == CInt(TF_FLOAT), let data = functions.TensorData(scores)
    else {
      throw RuntimeError(.model, "the model's probabilities or labels have another form")
    }
    let classes = shape(scores)[1]
    var names: [String] = []
    if let tensor = values["class_names"], shape(tensor) == [count, classes] {
      names = strings(tensor, classes)  // in each row the same
    }
    var predictions: [Prediction] = []
    for (row, label) in zip(rows(data, count: count, length: classes), strings(labels, count)) {
      predictions.append(try Prediction(label: label, probabilities: row, classNames: names))
    }
    return predictions
  }

  /// The first so many strings of a tensor.
  private func strings(_ tensor: OpaquePointer, _ count: Int) -> [String] {
    withUnsafePointer(to: library.functions) { functions in
      (0..<count).map { number in
        var length = 0
        let text = tfast_string_at(functions, tensor, number, &length)
        return String(decoding: UnsafeRawBufferPointer(start: text, count: length), as: UTF8.self)
      }
    }
  }
}

extension SavedModel {
  private static func load(
    _ path: String, _ library: TensorFlowLibrary, _ graph: OpaquePointer, threads: Int
  ) throws(RuntimeError) -> (session: OpaquePointer, metaGraph: Bytes) {
    let functions = library.functions
    let options = functions.NewSessionOptions()
    defer { functions.DeleteSessionOptions(options) }
    // ConfigProto's inter_op_parallelism_threads, field 5, and for more than one operation at a
    // time is best left with one thread each: intra_op_parallelism_threads, field 2.
    let config: Bytes = threads > 0 ? [0x10, 1, 0x28, UInt8(clamping: min(threads, 127))] : []
    try library.checked(.library) { functions.SetConfig(options, config, config.count, $0) }
    let metaGraph = functions.NewBuffer()
    defer { functions.DeleteBuffer(metaGraph) }
    let session = try library.checked(.model) { status in
      withCStrings(["serve"]) { tags in
        tags.compactMap(\.self).withUnsafeBufferPointer { tags in
          tags.baseAddress.flatMap {
            functions.LoadSessionFromSavedModel(options, nil, path, $0, 1, graph, metaGraph, status)
          }
        }
      }
    }
    guard let session else { throw RuntimeError(.model, "\(path): tensorflow gave no session") }
    let content = UnsafeRawBufferPointer(
      start: metaGraph.pointee.data, count: metaGraph.pointee.length)
    return (session, Bytes(content))
  }

  private static func endpoints(
    _ signature: Signature, _ library: TensorFlowLibrary, _ graph: OpaquePointer, path: String
  ) throws(RuntimeError) -> (input: TF_Output, outputs: [(name: String, output: TF_Output)]) {
    func output(_ tensor: Signature.Tensor) throws(RuntimeError) -> TF_Output {
      guard let operation = library.functions.GraphOperationByName(graph, tensor.operation) else {
        throw RuntimeError(.model, "\(path) has no operation \(tensor.operation)")
      }
      return TF_Output(oper: operation, index: CInt(clamping: tensor.index))
    }
    guard signature.inputs.count == 1,
      let input = signature.inputs["text"] ?? signature.inputs["image_bytes"],
      input.type == Int(TF_STRING)
    else {
      throw RuntimeError(
        .model,
        "\(path) must take strings, text or image_bytes; it takes "
          + "\(signature.inputs.keys.sorted())")
    }
    guard let probabilities = signature.outputs["probabilities"],
      probabilities.type == Int(TF_FLOAT), let labels = signature.outputs["labels"],
      labels.type == Int(TF_STRING)
    else {
      throw RuntimeError(
        .model,
        "\(path) must give probabilities and labels; it gives \(signature.outputs.keys.sorted())")
    }
    var outputs = [
      ("probabilities", try output(probabilities)), ("labels", try output(labels)),
    ]
    for name in ["class_names", "errors"] {
      if let tensor = signature.outputs[name], tensor.type == Int(TF_STRING) {
        outputs.append((name, try output(tensor)))
      }
    }
    return (try output(input), outputs)
  }

  private static func release(
    _ library: TensorFlowLibrary, _ session: OpaquePointer, _ graph: OpaquePointer
  ) {
    let status = library.functions.NewStatus()
    library.functions.DeleteSession(session, status)
    library.functions.DeleteStatus(status)
    library.functions.DeleteGraph(graph)
  }
}

/// Throws where a file cannot be read: before a gigabyte of libraries is opened in vain.
private func checkReadable(_ path: String) throws(RuntimeError) {
  do throws(FileError) {
    try checkFile(path)
  } catch {
    throw RuntimeError(.folder, error.description)
  }
}
