import _Differentiation

/// Dense, ReLU, Dense: the network of the lesson in small.
public struct TwoLayerClassifier: Differentiable {
  public var hiddenKernel: Matrix
  public var hiddenBias: Matrix
  public var outputKernel: Matrix
  public var outputBias: Matrix

  public init(
    hiddenKernel: Matrix, hiddenBias: Matrix, outputKernel: Matrix, outputBias: Matrix
  ) {
    self.hiddenKernel = hiddenKernel
    self.hiddenBias = hiddenBias
    self.outputKernel = outputKernel
    self.outputBias = outputBias
  }

  /// A row of logits for each row of `inputs`.
  @differentiable(reverse,wrt: self)
  public func logits(_ inputs: Matrix) -> Matrix {
    inputs.times(hiddenKernel).addingToRows(hiddenBias).relu()
      .times(outputKernel).addingToRows(outputBias)
  }

  /// The fraction of rows whose largest logit is that of the label.
  public func accuracy(_ inputs: Matrix, labels: [Int]) -> Float {
    let logits = logits(inputs)
    let right = labels.indices.filter { row in
      let own = logits[row, labels[row]]
      return (0..<logits.columns).allSatisfy { logits[row, $0] <= own }
    }
    return Float(right.count) / Float(labels.count)
  }
}

/// SGD with momentum as Keras steps: `velocity = momentum * velocity - rate * gradient`,
/// `weights += velocity`.
public struct MomentumSGD {
  private var velocity = TwoLayerClassifier.TangentVector.zero

  public init() {}

  public mutating func update(
    _ model: inout TwoLayerClassifier, along gradient: TwoLayerClassifier.TangentVector,
    rate: Float, momentum: Float
  ) {
    func advance(_ velocity: inout Matrix, _ gradient: Matrix) {
      velocity.scale(by: momentum)
      velocity -= gradient.map { rate * $0 }
    }
    advance(&velocity.hiddenKernel, gradient.hiddenKernel)
    advance(&velocity.hiddenBias, gradient.hiddenBias)
    advance(&velocity.outputKernel, gradient.outputKernel)
    advance(&velocity.outputBias, gradient.outputBias)
    model.move(by: velocity)
  }
}
