import TfastText

/// What a SavedModel's signature takes and gives, read from its MetaGraphDef.
///
/// Names of tensors in the graph are chosen by Keras and TensorFlow; they are looked up here.
struct Signature: Sendable {
  /// A tensor of the graph: output number `index` of an operation.
  struct Tensor: Sendable, Equatable {
    let operation: String
    let index: Int
    let type: Int
  }

  let inputs: [String: Tensor]
  let outputs: [String: Tensor]

  /// All signatures of a MetaGraphDef, by name.
  static func all(inMetaGraph bytes: Bytes) -> [String: Signature] {
    var found: [String: Signature] = [:]
    // Field 5 of MetaGraphDef: a map from names to SignatureDef.
    for (name, content) in entries(of: 5, in: bytes) {
      found[name] = Signature(
        inputs: tensors(entries(of: 1, in: content)),
        outputs: tensors(entries(of: 2, in: content)))
    }
    return found
  }

  /// A map's entries: messages of a key, field 1, and a value, field 2.
  private static func entries(of field: Int, in bytes: Bytes) -> [(String, Bytes)] {
    ProtocolBuffer(bytes).messages(field).compactMap { entry in
      let entry = ProtocolBuffer(entry)
      guard let key = entry.messages(1).last else { return nil }
      return (String(decoding: key, as: UTF8.self), entry.messages(2).last ?? [])
    }
  }

  private static func tensors(_ entries: [(String, Bytes)]) -> [String: Tensor] {
    var tensors: [String: Tensor] = [:]
    for (key, content) in entries {
      let information = ProtocolBuffer(content)
      guard let name = information.messages(1).last,
        let type = information.varint(2).flatMap({ Int(exactly: $0) })
      else { continue }
      let parts = String(decoding: name, as: UTF8.self).split(separator: ":")
      guard let operation = parts.first, let index = parts.count < 2 ? 0 : Int(parts[1]) else {
        continue
      }
      tensors[key] = Tensor(operation: String(operation), index: index, type: type)
    }
    return tensors
  }
}
