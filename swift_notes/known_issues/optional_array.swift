// swiftlang/swift #82477 (open, June 2025): the compiler of 6.3.1 crashes on the derivative of a
// function that returns an optional array. An optional number is fine (TfastGradTests).
import _Differentiation

struct Reading: Differentiable {
  var samples: [Float]?

  @differentiable(reverse)
  func calibrated() -> [Float]? {
    guard let samples else {
      let none: [Float]? = nil
      return none
    }
    return samples
  }
}
