import _Differentiation

extension Matrix {
  /// The matrix product `self · other`.
  @differentiable(reverse)
  public func times(_ other: Matrix) -> Matrix {
    precondition(columns == other.rows, "columns must be the other's rows")
    var product = Matrix(rows: rows, columns: other.columns)
    product.addProduct(self, other)
    return product
  }

  @derivative(of: times)
  @usableFromInline
  func _vjpTimes(
    _ other: Matrix
  ) -> (value: Matrix, pullback: (Matrix) -> (Matrix, Matrix)) {
    (
      times(other),
      { gradient in
        if gradient.isShapelessZero { return (.zero, .zero) }
        return (gradient.times(other.transposed()), self.transposed().times(gradient))
      }
    )
  }

  func transposed() -> Matrix {
    var result = Matrix(rows: columns, columns: rows)
    let (rows, columns) = (rows, columns)
    result.values.withUnsafeMutableBufferPointer { target in
      values.withUnsafeBufferPointer { source in
        for row in 0..<rows {
          for column in 0..<columns {
            target[column * rows + row] = source[row * columns + column]
          }
        }
      }
    }
    return result
  }

  /// `self += left · right`.
  ///
  /// The innermost loop runs along rows of `right` and of the sum, so that the compiler
  /// can add four or more numbers at once without changing the order of any sum; four
  /// rows of `right` at a time, so that the sum is read and written a quarter as often.
  private mutating func addProduct(_ left: Matrix, _ right: Matrix) {
    let (rows, inner, columns) = (left.rows, left.columns, right.columns)
    values.withUnsafeMutableBufferPointer { sum in
      left.values.withUnsafeBufferPointer { left in
        right.values.withUnsafeBufferPointer { right in
          guard let sum = sum.baseAddress, let left = left.baseAddress,
            let right = right.baseAddress
          else { return }
          for row in 0..<rows {
            let target = sum + row * columns
            let factors = left + row * inner
            var k = 0
            while k + 4 <= inner {
              let (a, b, c, d) =
                (factors[k], factors[k + 1], factors[k + 2], factors[k + 3])
              let first = right + k * columns
              let second = first + columns
              let third = second + columns
              let fourth = third + columns
              for j in 0..<columns {
                target[j] +=
                  (a * first[j] + b * second[j])
                  + (c * third[j] + d * fourth[j])
              }
              k += 4
            }
            while k < inner {
              let (factor, source) = (factors[k], right + k * columns)
              for j in 0..<columns { target[j] += factor * source[j] }
              k += 1
            }
          }
        }
      }
    }
  }
}
