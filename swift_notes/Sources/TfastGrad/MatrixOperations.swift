import Foundation
import _Differentiation

extension Matrix {
  /// Adds `bias`, one row, to each row.
  @differentiable(reverse)
  public func addingToRows(_ bias: Matrix) -> Matrix {
    precondition(bias.rows == 1 && bias.columns == columns, "bias must be one row as wide")
    var result = self
    for row in 0..<rows {
      for column in 0..<columns {
        result.values[row * columns + column] += bias.values[column]
      }
    }
    return result
  }

  @derivative(of: addingToRows)
  @usableFromInline
  func _vjpAddingToRows(
    _ bias: Matrix
  ) -> (value: Matrix, pullback: (Matrix) -> (Matrix, Matrix)) {
    (
      addingToRows(bias),
      { gradient in
        gradient.isShapelessZero ? (.zero, .zero) : (gradient, gradient.sumOfRows())
      }
    )
  }

  func sumOfRows() -> Matrix {
    var sum = Matrix(rows: 1, columns: columns)
    for row in 0..<rows {
      for column in 0..<columns {
        sum.values[column] += values[row * columns + column]
      }
    }
    return sum
  }

  /// Sum of two matrices. (`+` is for gradients and has no derivative of its own.)
  @differentiable(reverse)
  public func plus(_ other: Matrix) -> Matrix { self + other }

  @derivative(of: plus)
  @usableFromInline
  func _vjpPlus(_ other: Matrix) -> (value: Matrix, pullback: (Matrix) -> (Matrix, Matrix)) {
    (plus(other), { ($0, $0) })
  }

  /// Product element by element.
  @differentiable(reverse)
  public func elementwiseTimes(_ other: Matrix) -> Matrix { zip(other) { $0 * $1 } }

  @derivative(of: elementwiseTimes)
  @usableFromInline
  func _vjpElementwiseTimes(
    _ other: Matrix
  ) -> (value: Matrix, pullback: (Matrix) -> (Matrix, Matrix)) {
    (
      elementwiseTimes(other),
      { gradient in
        if gradient.isShapelessZero { return (.zero, .zero) }
        return (gradient.zip(other) { $0 * $1 }, gradient.zip(self) { $0 * $1 })
      }
    )
  }

  /// Sum of all elements.
  @differentiable(reverse)
  public func sum() -> Float { values.reduce(0, +) }

  @derivative(of: sum)
  @usableFromInline
  func _vjpSum() -> (value: Float, pullback: (Float) -> Matrix) {
    (sum(), { Matrix(rows: rows, columns: columns, repeating: $0) })
  }

  /// The columns of `range`.
  @differentiable(reverse)
  public func columns(_ range: Range<Int>) -> Matrix {
    precondition(range.lowerBound >= 0 && range.upperBound <= columns, "no such columns")
    var result = Matrix(rows: rows, columns: range.count)
    for row in 0..<rows {
      for column in range {
        result.values[row * range.count + column - range.lowerBound] =
          values[row * columns + column]
      }
    }
    return result
  }

  @derivative(of: columns)
  @usableFromInline
  func _vjpColumns(_ range: Range<Int>) -> (value: Matrix, pullback: (Matrix) -> Matrix) {
    (
      columns(range),
      { gradient in
        if gradient.isShapelessZero { return .zero }
        var whole = Matrix(rows: rows, columns: columns)
        for row in 0..<rows {
          for column in range {
            whole.values[row * columns + column] =
              gradient.values[row * range.count + column - range.lowerBound]
          }
        }
        return whole
      }
    )
  }

  /// `max(0, x)`; at 0 the gradient is 0, as TensorFlow has it.
  @differentiable(reverse)
  public func relu() -> Matrix { map { Swift.max(0, $0) } }

  @derivative(of: relu)
  @usableFromInline
  func _vjpRelu() -> (value: Matrix, pullback: (Matrix) -> Matrix) {
    pointwise(relu()) { output, gradient in output > 0 ? gradient : 0 }
  }

  /// `1 / (1 + exp(-x))`.
  @differentiable(reverse)
  public func sigmoid() -> Matrix { map { 1 / (1 + exp(-$0)) } }

  @derivative(of: sigmoid)
  @usableFromInline
  func _vjpSigmoid() -> (value: Matrix, pullback: (Matrix) -> Matrix) {
    pointwise(sigmoid()) { output, gradient in output * (1 - output) * gradient }
  }

  /// Hyperbolic tangent.
  @differentiable(reverse)
  public func tanh() -> Matrix { map { Foundation.tanh($0) } }

  @derivative(of: tanh)
  @usableFromInline
  func _vjpTanh() -> (value: Matrix, pullback: (Matrix) -> Matrix) {
    pointwise(tanh()) { output, gradient in (1 - output * output) * gradient }
  }

  /// Value and pullback of a function whose slope can be read from its output.
  @inline(__always)
  private func pointwise(
    _ output: Matrix, _ pull: @escaping (Float, Float) -> Float
  ) -> (value: Matrix, pullback: (Matrix) -> Matrix) {
    (output, { $0.isShapelessZero ? .zero : output.zip($0, pull) })
  }
}
