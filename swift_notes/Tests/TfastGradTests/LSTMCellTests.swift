import Testing
import _Differentiation

@testable import TfastGrad

private struct LSTMGolden: Decodable {
  struct Gradients: Decodable {
    let kernel: [[Float]]
    let recurrentKernel: [[Float]]
    let bias: [[Float]]
    let inputs: [[[Float]]]
    let hidden: [[Float]]
    let carry: [[Float]]
  }
  let kernel: [[Float]]
  let recurrentKernel: [[Float]]
  let bias: [[Float]]
  let inputs: [[[Float]]]
  let hidden: [[Float]]
  let carry: [[Float]]
  let outputWeights: [[[Float]]]
  let loss: Float
  let lastHidden: [[Float]]
  let lastCarry: [[Float]]
  let gradients: Gradients

  var cell: LSTMCell {
    LSTMCell(
      kernel: Matrix(kernel), recurrentKernel: Matrix(recurrentKernel), bias: Matrix(bias))
  }
  var initial: LSTMState { LSTMState(hidden: Matrix(hidden), carry: Matrix(carry)) }
  var sequence: [Matrix] { inputs.map { Matrix($0) } }
  var weights: [Matrix] { outputWeights.map { Matrix($0) } }
}

@Suite struct LSTMCellTests {
  private let golden: LSTMGolden

  init() throws { golden = try Goldens.read("lstm", as: LSTMGolden.self) }

  @Test func lastStateIsThatOfKeras() {
    let state = golden.cell.lastState(golden.sequence, from: golden.initial)
    expectClose(state.hidden, Matrix(golden.lastHidden))
    expectClose(state.carry, Matrix(golden.lastCarry))
  }

  @Test func lossAndGradientsAreThoseOfGradientTape() {
    let weights = golden.weights
    let (loss, (cell, inputs, initial)) = valueWithGradient(
      at: golden.cell, golden.sequence, golden.initial
    ) { cell, inputs, initial in
      cell.weightedOutputs(inputs, from: initial, weights: weights)
    }
    expectClose(loss, golden.loss)
    let expected = golden.gradients
    expectClose(cell.kernel, Matrix(expected.kernel))
    expectClose(cell.recurrentKernel, Matrix(expected.recurrentKernel))
    expectClose(cell.bias, Matrix(expected.bias))
    expectClose(initial.hidden, Matrix(expected.hidden))
    expectClose(initial.carry, Matrix(expected.carry))
    #expect(inputs.base.count == expected.inputs.count)
    for (actual, expected) in zip(inputs.base, expected.inputs) {
      expectClose(actual, Matrix(expected))
    }
  }

  @Test func gradientsAreSlopesOfTheLoss() {
    let (cell, sequence, initial) = (golden.cell, golden.sequence, golden.initial)
    let weights = golden.weights
    func loss(_ cell: LSTMCell) -> Float {
      cell.weightedOutputs(sequence, from: initial, weights: weights)
    }
    let gradient = gradient(at: cell) { cell in
      cell.weightedOutputs(sequence, from: initial, weights: weights)
    }
    for (path, part) in [
      (\LSTMCell.kernel, gradient.kernel), (\.recurrentKernel, gradient.recurrentKernel),
      (\.bias, gradient.bias),
    ] {
      let weights = cell[keyPath: path]
      let direction = fixedNumbers(rows: weights.rows, columns: weights.columns, seed: 3)
      let expected = finiteDifference(at: weights, along: direction, step: 3e-3) { changed in
        var cell = cell
        cell[keyPath: path] = changed
        return loss(cell)
      }
      expectClose(slope(part, along: direction), expected, tolerance: 2e-3)
    }
  }

  @Test func gateOrderOfSwiftForTensorFlowGivesAnotherState() {
    // Its LSTMCell had input, candidate, forget, output: weights do not carry over as they are.
    let n = golden.cell.units
    func reordered(_ matrix: Matrix) -> Matrix {
      let order = Array(0..<n) + Array(2 * n..<3 * n) + Array(n..<2 * n) + Array(3 * n..<4 * n)
      return Matrix((0..<matrix.rows).map { row in order.map { matrix[row, $0] } })
    }
    let cell = LSTMCell(
      kernel: reordered(golden.cell.kernel),
      recurrentKernel: reordered(golden.cell.recurrentKernel), bias: reordered(golden.cell.bias))
    let state = cell.lastState(golden.sequence, from: golden.initial)
    #expect(abs(state.hidden[0, 0] - golden.lastHidden[0][0]) > 1e-3)
  }
}
