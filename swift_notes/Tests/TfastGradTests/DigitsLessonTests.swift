import Foundation
import Testing
import _Differentiation

@testable import TfastGrad

private struct DigitsGolden: Decodable {
  let lesson: DigitsLesson
  let losses: [Float]
  let accuracy: Float
}

private struct OneCycleGolden: Decodable {
  let peak: Float
  let totalSteps: Int
  let learningRates: [Float]
  let momenta: [Float]
}

@Suite struct OneCycleTests {
  @Test func ratesAndMomentaAreThoseOfTfast() throws {
    let golden = try Goldens.read("one_cycle", as: OneCycleGolden.self)
    let schedule = OneCycle(peak: golden.peak, totalSteps: golden.totalSteps)
    for (step, (rate, momentum)) in zip(golden.learningRates, golden.momenta).enumerated() {
      let own = schedule.learningRate(step: step)
      // Relative: the last rates are nearly nothing.
      #expect(abs(own - rate) <= 1e-5 * rate, "step \(step): \(own), not \(rate)")
      expectClose(schedule.momentum(step: step), momentum)
    }
  }
}

@Suite struct DigitsLessonTests {
  @Test func fiftyStepsHaveTheLossesOfKeras() throws {
    let golden = try Goldens.read("digits", as: DigitsGolden.self)
    let result = golden.lesson.train()
    #expect(result.losses.count == 50)
    for (loss, expected) in zip(result.losses, golden.losses) {
      expectClose(loss, expected, tolerance: 1e-4)
    }
    #expect(result.accuracy == golden.accuracy)
  }

  @Test func gradientsOfTheNetworkAreSlopesOfTheLoss() throws {
    let golden = try Goldens.read("digits", as: DigitsGolden.self)
    let (model, lesson) = (golden.lesson.firstModel, golden.lesson)
    let (inputs, targets) = lesson.mixedBatch(
      0, of: lesson.pixels, Matrix.oneHot(lesson.labels, classes: lesson.classes))
    func loss(_ model: TwoLayerClassifier) -> Float {
      softTargetCrossEntropy(logits: model.logits(inputs), targets: targets)
    }
    let gradient = gradient(at: model) { model in
      softTargetCrossEntropy(logits: model.logits(inputs), targets: targets)
    }
    for (path, part) in [
      (\TwoLayerClassifier.hiddenKernel, gradient.hiddenKernel),
      (\.hiddenBias, gradient.hiddenBias), (\.outputKernel, gradient.outputKernel),
      (\.outputBias, gradient.outputBias),
    ] {
      let weights = model[keyPath: path]
      let direction = fixedNumbers(rows: weights.rows, columns: weights.columns, seed: 5)
      let expected = finiteDifference(at: weights, along: direction, step: 5e-4) { changed in
        var model = model
        model[keyPath: path] = changed
        return loss(model)
      }
      expectClose(slope(part, along: direction), expected, tolerance: 5e-3)
    }
  }
}

@Suite struct MatrixTests {
  @Test func productOfOddSizesIsTheSumOfProducts() {
    let left = fixedNumbers(rows: 3, columns: 7, seed: 1)
    let right = fixedNumbers(rows: 7, columns: 5, seed: 2)
    let product = left.times(right)
    for row in 0..<3 {
      for column in 0..<5 {
        let sum = (0..<7).reduce(Float(0)) { $0 + left[row, $1] * right[$1, column] }
        expectClose(product[row, column], sum)
      }
    }
  }

  @Test func shapelessZeroAddsNothing() {
    let matrix = Matrix([[1, 2], [3, 4]])
    #expect(matrix + .zero == matrix)
    #expect(.zero + matrix == matrix)
    #expect(matrix - .zero == matrix)
    #expect(.zero - matrix == Matrix([[-1, -2], [-3, -4]]))
  }

  @Test func blendOfAnExampleWithItselfIsItself() {
    let matrix = Matrix([[1, 2], [3, 4]])
    let blended = matrix.blended(with: [1, 1], weights: [0.75, 0.5])
    #expect(blended == Matrix([[1.5, 2.5], [3, 4]]))
  }
}
