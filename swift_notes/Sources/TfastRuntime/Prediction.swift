import TfastText

/// A classifier's answer for one input.
public struct Prediction: Sendable {
  /// The name of the most probable class.
  public let label: String
  /// In the order of the class names.
  public let probabilities: [Float]
  /// Empty where the model does not tell.
  public let classNames: [String]

  init(label: String, probabilities: [Float], classNames: [String]) throws(RuntimeError) {
    guard probabilities.allSatisfy(\.isFinite) else {
      throw RuntimeError(
        .model, "the model must give probabilities that are finite, got \(probabilities)")
    }
    self.label = label
    self.probabilities = probabilities
    self.classNames = classNames
  }

  init(_ probabilities: [Float], classNames: [String]) throws(RuntimeError) {
    guard probabilities.count == classNames.count else {
      throw RuntimeError(
        .model,
        "the model must give \(classNames.count) probabilities, got \(probabilities)")
    }
    // The first of several that are equal, as NumPy's argmax.
    var best = 0
    for index in probabilities.indices where probabilities[index] > probabilities[best] {
      best = index
    }
    try self.init(label: classNames[best], probabilities: probabilities, classNames: classNames)
  }

  /// One line of JSON, without its end.
  public var json: Bytes {
    func list(_ items: [Bytes]) -> Bytes {
      Bytes("[") + Bytes(items.joined(separator: Bytes(", "))) + Bytes("]")
    }
    var line = Bytes("{\"label\": ") + quotedJSON(Bytes(label.utf8))
    line += Bytes(", \"probabilities\": ") + list(probabilities.map { Bytes("\($0)".utf8) })
    if !classNames.isEmpty {
      line +=
        Bytes(", \"class_names\": ")
        + list(classNames.map { quotedJSON(Bytes($0.utf8)) })
    }
    return line + Bytes("}")
  }
}
