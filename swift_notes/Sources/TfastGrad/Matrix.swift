import _Differentiation

/// Rows of Float in one array, row after row. Its gradient is a matrix too.
///
/// Matrices are not differentiable element by element: a subscript would build a gradient
/// of the whole size for each element read. Every operation here has its derivative
/// written out instead, and works on the whole.
public struct Matrix: Equatable, Sendable {
  public let rows: Int
  public let columns: Int
  public internal(set) var values: [Float]

  /// `values` row after row; there must be `rows * columns` of them.
  public init(rows: Int, columns: Int, values: [Float]) {
    precondition(
      rows >= 0 && columns >= 0 && values.count == rows * columns,
      "values must be \(rows) * \(columns) numbers, got \(values.count)")
    self.rows = rows
    self.columns = columns
    self.values = values
  }

  public init(rows: Int, columns: Int, repeating value: Float = 0) {
    self.init(
      rows: rows, columns: columns,
      values: Array(repeating: value, count: rows * columns))
  }

  /// From rows of equal length.
  public init(_ rows: [[Float]]) {
    let columns = rows.first?.count ?? 0
    precondition(rows.allSatisfy { $0.count == columns }, "rows must be equally long")
    self.init(rows: rows.count, columns: columns, values: Array(rows.joined()))
  }

  public subscript(row: Int, column: Int) -> Float {
    values[row * columns + column]
  }

  /// True of the zero that knows no shape, which every sum accepts.
  var isShapelessZero: Bool { values.isEmpty }

  func hasShape(of other: Matrix) -> Bool {
    rows == other.rows && columns == other.columns
  }
}

// `zero` is asked for by the compiler before any shape is known: so it has none, and a sum
// with it is the other summand.
extension Matrix: AdditiveArithmetic {
  public static var zero: Matrix { Matrix(rows: 0, columns: 0, values: []) }

  public static func + (left: Matrix, right: Matrix) -> Matrix {
    var sum = left
    sum += right
    return sum
  }

  public static func += (left: inout Matrix, right: Matrix) {
    if right.isShapelessZero { return }
    if left.isShapelessZero {
      left = right
      return
    }
    left.addScaled(right, by: 1)
  }

  public static func - (left: Matrix, right: Matrix) -> Matrix {
    if right.isShapelessZero { return left }
    if left.isShapelessZero { return right.map { -$0 } }
    return left.zip(right) { $0 - $1 }
  }

  /// `self += factor * other`, without a matrix in between.
  public mutating func addScaled(_ other: Matrix, by factor: Float) {
    precondition(hasShape(of: other), "summands must have the same shape")
    values.withUnsafeMutableBufferPointer { own in
      other.values.withUnsafeBufferPointer { others in
        for i in 0..<own.count { own[i] += factor * others[i] }
      }
    }
  }

  /// `self *= factor`.
  public mutating func scale(by factor: Float) {
    values.withUnsafeMutableBufferPointer { own in
      for i in 0..<own.count { own[i] *= factor }
    }
  }
}

extension Matrix: Differentiable {
  public typealias TangentVector = Matrix

  public mutating func move(by offset: Matrix) { self += offset }
}

extension Matrix {
  @inline(__always)
  func map(_ transform: (Float) -> Float) -> Matrix {
    var result = self
    result.values.withUnsafeMutableBufferPointer { own in
      for i in 0..<own.count { own[i] = transform(own[i]) }
    }
    return result
  }

  @inline(__always)
  func zip(_ other: Matrix, _ combine: (Float, Float) -> Float) -> Matrix {
    precondition(hasShape(of: other), "matrices must have the same shape")
    var result = self
    result.values.withUnsafeMutableBufferPointer { own in
      other.values.withUnsafeBufferPointer { others in
        for i in 0..<own.count { own[i] = combine(own[i], others[i]) }
      }
    }
    return result
  }
}
