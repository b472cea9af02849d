import Foundation
import _Differentiation

/// Mean over the rows of the cross-entropy of `logits` against soft targets.
///
/// As Keras's `CategoricalCrossentropy(from_logits=True, label_smoothing=...)`: the targets
/// become `target * (1 - labelSmoothing) + labelSmoothing / classes`.
///
/// - Parameters:
///   - logits: a row for each example, a column for each class.
///   - targets: of the same shape: one-hot rows, or blends of such (mixup).
///   - labelSmoothing: from 0 to below 1.
@differentiable(reverse,wrt: logits)
public func softTargetCrossEntropy(
  logits: Matrix, targets: Matrix, labelSmoothing: Float = 0
) -> Float {
  let logProbabilities = logits.logSoftmax()
  let smoothed = targets.smoothed(by: labelSmoothing)
  var total: Float = 0
  for i in 0..<smoothed.values.count {
    total -= smoothed.values[i] * logProbabilities.values[i]
  }
  return total / Float(logits.rows)
}

@derivative(of: softTargetCrossEntropy, wrt: logits)
@usableFromInline
func _vjpSoftTargetCrossEntropy(
  logits: Matrix, targets: Matrix, labelSmoothing: Float
) -> (value: Float, pullback: (Float) -> Matrix) {
  let value = softTargetCrossEntropy(
    logits: logits, targets: targets, labelSmoothing: labelSmoothing)
  return (
    value,
    { gradient in
      // softmax * (sum of the row's targets) - targets; the sum is 1 for labels.
      var result = logits.logSoftmax().map { exp($0) }
      let smoothed = targets.smoothed(by: labelSmoothing)
      let factor = gradient / Float(logits.rows)
      for row in 0..<result.rows {
        let range = row * result.columns..<(row + 1) * result.columns
        let mass = smoothed.values[range].reduce(0, +)
        for i in range {
          result.values[i] = factor * (result.values[i] * mass - smoothed.values[i])
        }
      }
      return result
    }
  )
}

/// The loss of mixup as fastai writes it: a blend of two cross-entropies against class numbers.
///
/// Cross-entropy is linear in its targets, so this equals `softTargetCrossEntropy` against
/// blended one-hot labels.
///
/// - Parameters:
///   - logits: a row for each example, a column for each class.
///   - labels: a class number for each row.
///   - partners: for each row, the row it was blended with.
///   - weights: for each row, how much of itself it kept.
///   - labelSmoothing: from 0 to below 1.
@differentiable(reverse,wrt: logits)
public func mixedCrossEntropy(
  logits: Matrix, labels: [Int], partners: [Int], weights: [Float], labelSmoothing: Float = 0
) -> Float {
  let own = Matrix.oneHot(labels, classes: withoutDerivative(at: logits.columns))
  let partner = own.rows(partners)
  // One loss a row, so that each can have its own weight.
  let ownLoss = rowwiseCrossEntropy(
    logits: logits, targets: own, weights: weights, labelSmoothing: labelSmoothing)
  let partnerLoss = rowwiseCrossEntropy(
    logits: logits, targets: partner, weights: weights.map { 1 - $0 },
    labelSmoothing: labelSmoothing)
  return ownLoss + partnerLoss
}

/// Mean over the rows of `weight * cross-entropy`.
@differentiable(reverse,wrt: logits)
func rowwiseCrossEntropy(
  logits: Matrix, targets: Matrix, weights: [Float], labelSmoothing: Float
) -> Float {
  let weighted = targets.smoothed(by: labelSmoothing).scalingRows(by: weights)
  return softTargetCrossEntropy(logits: logits, targets: weighted, labelSmoothing: 0)
}

extension Matrix {
  /// Logarithm of the softmax of each row.
  @differentiable(reverse)
  public func logSoftmax() -> Matrix {
    var result = self
    for row in 0..<rows {
      let range = row * columns..<(row + 1) * columns
      let peak = values[range].max() ?? 0
      let total = log(values[range].reduce(0) { $0 + exp($1 - peak) })
      for i in range { result.values[i] = values[i] - peak - total }
    }
    return result
  }

  @derivative(of: logSoftmax)
  @usableFromInline
  func _vjpLogSoftmax() -> (value: Matrix, pullback: (Matrix) -> Matrix) {
    let output = logSoftmax()
    return (
      output,
      { gradient in
        if gradient.isShapelessZero { return .zero }
        var result = gradient
        for row in 0..<output.rows {
          let range = row * output.columns..<(row + 1) * output.columns
          let total = gradient.values[range].reduce(0, +)
          for i in range { result.values[i] -= exp(output.values[i]) * total }
        }
        return result
      }
    )
  }

  /// A row for each label, 1 in the label's column and 0 elsewhere.
  public static func oneHot(_ labels: [Int], classes: Int) -> Matrix {
    var result = Matrix(rows: labels.count, columns: classes)
    for (row, label) in labels.enumerated() {
      precondition(label >= 0 && label < classes, "label \(label) of \(classes) classes")
      result.values[row * classes + label] = 1
    }
    return result
  }

  /// `self * (1 - amount) + amount / columns`, Keras's label smoothing.
  func smoothed(by amount: Float) -> Matrix {
    if amount == 0 { return self }
    let floor = amount / Float(columns)
    return map { $0 * (1 - amount) + floor }
  }

  func scalingRows(by weights: [Float]) -> Matrix {
    precondition(weights.count == rows, "weights must be one for each row")
    var result = self
    for i in 0..<values.count { result.values[i] *= weights[i / columns] }
    return result
  }
}
