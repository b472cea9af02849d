extension Matrix {
  /// The rows of these numbers, in this order.
  public func rows(_ numbers: [Int]) -> Matrix {
    var result = Matrix(rows: numbers.count, columns: columns)
    for (target, source) in numbers.enumerated() {
      precondition(source >= 0 && source < rows, "row \(source) of \(rows)")
      for column in 0..<columns {
        result.values[target * columns + column] = values[source * columns + column]
      }
    }
    return result
  }

  /// Mixup: each row becomes `weight * itself + (1 - weight) * its partner`.
  ///
  /// Source: Zhang et al., arXiv:1710.09412; the arithmetic of `tfast.vision.mixup`.
  public func blended(with partners: [Int], weights: [Float]) -> Matrix {
    precondition(
      partners.count == rows && weights.count == rows,
      "partners and weights must be one for each row")
    var result = self
    for row in 0..<rows {
      let (partner, weight) = (partners[row], weights[row])
      precondition(partner >= 0 && partner < rows, "partner \(partner) of \(rows) rows")
      for column in 0..<columns {
        result.values[row * columns + column] =
          weight * values[row * columns + column]
          + (1 - weight) * values[partner * columns + column]
      }
    }
    return result
  }
}
