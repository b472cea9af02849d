import Foundation
import Testing
import _Differentiation

@testable import TfastGrad

private struct LossGolden: Decodable {
  struct Case: Decodable {
    let mixed: Bool
    let labelSmoothing: Float
    let loss: Float
    let gradient: [[Float]]
  }
  let logits: [[Float]]
  let labels: [Int]
  let partners: [Int]
  let weights: [Float]
  let cases: [Case]

  func targets(mixed: Bool) -> Matrix {
    let own = Matrix.oneHot(labels, classes: 10)
    return mixed ? own.blended(with: partners, weights: weights) : own
  }
}

@Suite struct LossTests {
  private let golden: LossGolden
  private let logits: Matrix

  init() throws {
    golden = try Goldens.read("losses", as: LossGolden.self)
    logits = Matrix(golden.logits)
  }

  @Test func valuesAndGradientsAreThoseOfKeras() {
    #expect(golden.cases.count == 6)
    for expected in golden.cases {
      let targets = golden.targets(mixed: expected.mixed)
      let (loss, gradient) = valueWithGradient(at: logits) { logits in
        softTargetCrossEntropy(
          logits: logits, targets: targets, labelSmoothing: expected.labelSmoothing)
      }
      expectClose(loss, expected.loss)
      expectClose(gradient, Matrix(expected.gradient))
    }
  }

  @Test func blendOfTwoLossesIsTheLossAgainstBlendedLabels() {
    for expected in golden.cases where expected.mixed {
      let (loss, gradient) = valueWithGradient(at: logits) { logits in
        mixedCrossEntropy(
          logits: logits, labels: golden.labels, partners: golden.partners,
          weights: golden.weights, labelSmoothing: expected.labelSmoothing)
      }
      expectClose(loss, expected.loss)
      expectClose(gradient, Matrix(expected.gradient))
    }
  }

  @Test func gradientIsTheSlopeOfTheLoss() {
    let targets = golden.targets(mixed: true)
    func loss(_ logits: Matrix) -> Float {
      softTargetCrossEntropy(logits: logits, targets: targets, labelSmoothing: 0.1)
    }
    let gradient = gradient(at: logits) { logits in
      softTargetCrossEntropy(logits: logits, targets: targets, labelSmoothing: 0.1)
    }
    let direction = fixedNumbers(rows: logits.rows, columns: logits.columns, seed: 4)
    let expected = finiteDifference(at: logits, along: direction, of: loss)
    expectClose(slope(gradient, along: direction), expected, tolerance: 1e-3)
  }

  @Test func logSoftmaxHasTheSameGradientAsTheWholeLoss() {
    let targets = golden.targets(mixed: true)
    let negative = Matrix(
      rows: targets.rows, columns: targets.columns,
      values: targets.values.map { -$0 / Float(targets.rows) })
    let step = gradient(at: logits) { $0.logSoftmax().elementwiseTimes(negative).sum() }
    let whole = gradient(at: logits) { softTargetCrossEntropy(logits: $0, targets: targets) }
    expectClose(step, whole)
  }

  @Test func lossOfLargeLogitsIsFinite() {
    let large = Matrix([[1000, -1000], [0, 2000]])
    let loss = softTargetCrossEntropy(logits: large, targets: Matrix.oneHot([1, 1], classes: 2))
    expectClose(loss, 1000)
  }

  /// SwiftAI's `labelSmoothingCrossEntropy` in its own terms: the mean over the classes, which
  /// has divided by their number already, is divided by it once more.
  @Test func smoothingTermOfSwiftAIIsTooSmallByTheNumberOfClasses() {
    let (epsilon, classes) = (Float(0.1), Float(10))
    let targets = golden.targets(mixed: false)
    let crossEntropy = softTargetCrossEntropy(logits: logits, targets: targets)
    let logProbabilities = logits.logSoftmax()
    let meanOfAll = logProbabilities.sum() / Float(logProbabilities.values.count)
    let swiftAI = (1 - epsilon) * crossEntropy - epsilon / classes * meanOfAll

    let right = golden.cases.first { !$0.mixed && $0.labelSmoothing == epsilon }!.loss
    let rightTerm = right - (1 - epsilon) * crossEntropy
    let itsTerm = swiftAI - (1 - epsilon) * crossEntropy
    #expect(swiftAI < right)
    expectClose(rightTerm / itsTerm, classes, tolerance: 1e-4)
  }
}
