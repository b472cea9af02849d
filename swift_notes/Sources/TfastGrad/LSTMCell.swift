import _Differentiation

/// What an LSTM hands from one step to the next, a row for each example.
public struct LSTMState: Differentiable {
  public var hidden: Matrix
  public var carry: Matrix

  @differentiable(reverse)
  public init(hidden: Matrix, carry: Matrix) {
    self.hidden = hidden
    self.carry = carry
  }
}

/// One step of an LSTM, with the weights of `keras.layers.LSTM` as they are.
///
/// Keras's order of the gates is input, forget, candidate, output: four blocks of `units`
/// columns. (Swift for TensorFlow's `LSTMCell` had input, candidate, forget, output.)
public struct LSTMCell: Differentiable {
  /// `(inputs, 4 * units)`.
  public var kernel: Matrix
  /// `(units, 4 * units)`.
  public var recurrentKernel: Matrix
  /// `(1, 4 * units)`.
  public var bias: Matrix

  public init(kernel: Matrix, recurrentKernel: Matrix, bias: Matrix) {
    let gates = 4 * recurrentKernel.rows
    precondition(
      kernel.columns == gates && recurrentKernel.columns == gates
        && bias.columns == gates && bias.rows == 1,
      "weights must have 4 * units = \(gates) columns")
    self.kernel = kernel
    self.recurrentKernel = recurrentKernel
    self.bias = bias
  }

  @noDerivative
  public var units: Int { recurrentKernel.rows }

  /// The state after one more input, a row for each example.
  @differentiable(reverse)
  public func step(_ input: Matrix, after state: LSTMState) -> LSTMState {
    let n = withoutDerivative(at: units)
    let gates = input.times(kernel)
      .plus(state.hidden.times(recurrentKernel))
      .addingToRows(bias)
    let inputGate = gates.columns(0..<n).sigmoid()
    let forgetGate = gates.columns(n..<2 * n).sigmoid()
    let candidate = gates.columns(2 * n..<3 * n).tanh()
    let outputGate = gates.columns(3 * n..<4 * n).sigmoid()
    let carry = forgetGate.elementwiseTimes(state.carry)
      .plus(inputGate.elementwiseTimes(candidate))
    return LSTMState(hidden: outputGate.elementwiseTimes(carry.tanh()), carry: carry)
  }

  /// The state after a whole sequence of inputs.
  @differentiable(reverse)
  public func lastState(_ inputs: [Matrix], from initial: LSTMState) -> LSTMState {
    var state = initial
    for time in 0..<withoutDerivative(at: inputs.count) {
      state = step(inputs[time], after: state)
    }
    return state
  }

  /// The hidden states of a whole sequence, each times `weights[time]`, summed: a number
  /// that depends on every output.
  @differentiable(reverse,wrt: (self, inputs, initial))
  public func weightedOutputs(
    _ inputs: [Matrix], from initial: LSTMState, weights: [Matrix]
  ) -> Float {
    var state = initial
    var total: Float = 0
    for time in 0..<withoutDerivative(at: inputs.count) {
      state = step(inputs[time], after: state)
      total += state.hidden.elementwiseTimes(weights[time]).sum()
    }
    return total
  }
}
