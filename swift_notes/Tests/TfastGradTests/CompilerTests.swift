// What differentiable Swift does with code whose gradients were wrong once.
//
// swiftlang/swift #77773 (open, November 2024) lists test expectations that had been bent to
// wrong results. Its two of high priority are here; with 6.3.1 both gradients are right, in debug and in
// release: pull requests #78374 (loops, issue #78264) and #78355 (array literals, issue #54214).

import Testing
import _Differentiation

private func cubeByRepeatWhile(_ x: Float) -> Float {
  var result = x
  var i = 0
  repeat {
    result = result * x
    i += 1
  } while i < 2
  return result
}

private func squareByRepeatWhile(_ x: Float) -> Float {
  var result: Float = 1
  var i = 0
  repeat {
    result = result * x
    i += 1
  } while i < 2
  return result
}

private func literalOfTupleElements<Element>(_ x: Element, _ y: Element) -> [Element] {
  var pair = (x, y)
  pair = (pair.0, pair.1)
  return [pair.0, pair.1]
}

private func sumOfSquares(_ x: Float) -> Float {
  let values = [x, x * x, 3 * x]
  var total: Float = 0
  for i in 0..<withoutDerivative(at: values.count) { total += values[i] * values[i] }
  return total
}

private struct Measurement: Differentiable {
  var value: Float
  var correction: Float?

  @differentiable(reverse)
  func corrected() -> Float {
    if let correction { return value * correction }
    return value
  }
}

@Suite struct CompilerTests {
  @Test func gradientOfRepeatWhileIsRight() {
    #expect(valueWithGradient(at: 2, of: cubeByRepeatWhile) == (8, 12))  // once 18
    #expect(valueWithGradient(at: 3, of: cubeByRepeatWhile) == (27, 27))  // once 36
    #expect(valueWithGradient(at: 3, of: squareByRepeatWhile) == (9, 6))
  }

  @Test func gradientOfAnArrayLiteralOfTupleElementsIsRight() {
    let pullback = pullback(at: Float(3), 4) { literalOfTupleElements($0, $1) }
    #expect(pullback(.init([1, 1])) == (1, 1))  // once (0, 2)
  }

  @Test func gradientOfAnArrayLiteralOfExpressionsIsRight() {
    #expect(valueWithGradient(at: 2, of: sumOfSquares) == (56, 72))
  }

  @Test func gradientOfAnOptionalNumberIsRight() {
    let with = gradient(at: Measurement(value: 3, correction: 4)) { $0.corrected() }
    #expect(with.value == 4 && with.correction.value == 3)
    let without = gradient(at: Measurement(value: 3, correction: nil)) { $0.corrected() }
    #expect(without.value == 1)
  }
}
