import TfastGrad
import _Differentiation

/// The seconds of each of `rounds` calls of `work`.
func seconds(rounds: Int, of work: () -> Void) -> [Double] {
  let clock = ContinuousClock()
  return (0..<rounds).map { _ in
    let elapsed = clock.measure(work).components
    return Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
  }
}

/// Times the gradient of the sum of an LSTM's outputs with respect to its weights.
func lstmSeconds(batch: Int, time: Int, inputs: Int, units: Int, rounds: Int) -> [Double] {
  let cell = LSTMCell(
    kernel: filled(inputs, 4 * units), recurrentKernel: filled(units, 4 * units),
    bias: filled(1, 4 * units))
  let initial = LSTMState(
    hidden: Matrix(rows: batch, columns: units), carry: Matrix(rows: batch, columns: units))
  let sequence = (0..<time).map { _ in filled(batch, inputs) }
  let weights = (0..<time).map { _ in Matrix(rows: batch, columns: units, repeating: 1) }
  var checksum: Float = 0
  let result = seconds(rounds: rounds) {
    let gradient = gradient(at: cell) { cell in
      cell.weightedOutputs(sequence, from: initial, weights: weights)
    }
    checksum += gradient.bias[0, 0]
  }
  precondition(checksum.isFinite)
  return result
}

/// Small numbers that differ; their values do not matter to the clock.
private func filled(_ rows: Int, _ columns: Int) -> Matrix {
  let values = (0..<rows * columns).map { Float($0 * 7919 % 1000) / 10_000 - 0.05 }
  return Matrix(rows: rows, columns: columns, values: values)
}
