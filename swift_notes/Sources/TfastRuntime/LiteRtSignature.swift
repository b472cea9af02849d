import CLiteRt

/// What a model.tflite takes and gives, read from its signature.
struct LiteRtSignature: Sendable {
  static let name = "serving_default"

  /// Which of the model's signatures it is.
  let number: Int
  /// Names and types of the inputs, in the order in which they are handed over.
  let inputs: [(name: String, type: CInt)]
  /// How many probabilities each row has.
  let classes: Int

  /// - Parameter wanted: the names that the inputs must have.
  init(
    of model: OpaquePointer, in library: LiteRtLibrary, wanted: [String]
  ) throws(RuntimeError) {
    let (number, signature) = try Self.find(model, library)
    self.number = number
    let functions = library.functions
    let inputs = try Self.names(
      signature, library, functions.GetNumSignatureInputs, functions.GetSignatureInputName)
    let outputs = try Self.names(
      signature, library, functions.GetNumSignatureOutputs, functions.GetSignatureOutputName)
    try requireNames(inputs: inputs, wanted: wanted, outputs: outputs)
    var typed: [(name: String, type: CInt)] = []
    for (index, name) in inputs.enumerated() {
      let type = try Self.type(
        signature, library, functions.GetSignatureInputTensorByIndex, index)
      typed.append((name, type.element_type))
    }
    self.inputs = typed
    var output = try Self.type(signature, library, functions.GetSignatureOutputTensorByIndex, 0)
    classes = Int(tfast_litert_dimension(&output, 1))
    // Room is made for so many: a model that gives more would write past it.
    guard outputs.count == 1, output.element_type == CInt(LITERT_FLOAT32),
      tfast_litert_rank(&output) == 2, 1...65536 ~= classes
    else {
      throw RuntimeError(
        .model, "the model must give \(probabilitiesName), float32 (batch, classes), alone")
    }
  }

  private static func find(
    _ model: OpaquePointer, _ library: LiteRtLibrary
  ) throws(RuntimeError) -> (number: Int, signature: OpaquePointer) {
    var count = 0
    try library.check(library.functions.GetNumModelSignatures(model, &count), reading)
    for number in 0..<count {
      var signature: OpaquePointer?
      try library.check(library.functions.GetModelSignature(model, number, &signature), reading)
      let present = try library.present(signature)
      var key: UnsafePointer<CChar>?
      try library.check(library.functions.GetSignatureKey(present, &key), reading)
      if try String(cString: library.present(key)) == name { return (number, present) }
    }
    throw RuntimeError(.model, "the model has no signature \(name)")
  }

  private typealias Count = (OpaquePointer, UnsafeMutablePointer<Int>) -> CInt
  private typealias Name = (
    OpaquePointer, Int, UnsafeMutablePointer<UnsafePointer<CChar>?>
  ) -> CInt
  private typealias Tensor = (OpaquePointer, Int, UnsafeMutablePointer<OpaquePointer?>) -> CInt

  private static func names(
    _ signature: OpaquePointer, _ library: LiteRtLibrary, _ count: Count, _ name: Name
  ) throws(RuntimeError) -> [String] {
    var number = 0
    try library.check(count(signature, &number), reading)
    var names: [String] = []
    for index in 0..<number {
      var text: UnsafePointer<CChar>?
      try library.check(name(signature, index, &text), reading)
      names.append(String(cString: try library.present(text)))
    }
    return names
  }

  private static func type(
    _ signature: OpaquePointer, _ library: LiteRtLibrary, _ tensor: Tensor, _ index: Int
  ) throws(RuntimeError) -> LiteRtTensorType {
    var found: OpaquePointer?
    try library.check(tensor(signature, index, &found), reading)
    var type = LiteRtTensorType()
    let present = try library.present(found)
    try library.check(library.functions.GetRankedTensorType(present, &type), reading)
    return type
  }

  private static let reading = "reading the model's signature"
}
