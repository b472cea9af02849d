import Foundation

/// The one-cycle schedule: a learning rate that rises from small to its peak and falls to
/// nearly nothing, and a momentum that runs against it, both on halves of a cosine.
///
/// The numbers of `tfast.training.schedules.OneCycle` and `OneCycleMomentum`. Source: fastai
/// `fit_one_cycle`; Smith and Topin, arXiv:1708.07120.
public struct OneCycle: Sendable {
  public var peak: Float
  public var totalSteps: Int
  public var startFactor: Float = 25
  public var endFactor: Float = 1e5
  public var rising: Float = 0.25
  public var highMomentum: Float = 0.95
  public var lowMomentum: Float = 0.85

  public init(peak: Float, totalSteps: Int) {
    precondition(peak > 0, "peak must be above 0, got \(peak)")
    precondition(totalSteps > 0, "totalSteps must be above 0, got \(totalSteps)")
    self.peak = peak
    self.totalSteps = totalSteps
  }

  /// The learning rate of a step, counted from 0.
  public func learningRate(step: Int) -> Float {
    value(step: step, from: peak / startFactor, over: peak, to: peak / endFactor)
  }

  /// The momentum of a step, counted from 0.
  public func momentum(step: Int) -> Float {
    value(step: step, from: highMomentum, over: lowMomentum, to: highMomentum)
  }

  private func value(step: Int, from start: Float, over middle: Float, to end: Float) -> Float {
    let position = Swift.min(Swift.max(Float(step) / Float(totalSteps), 0), 1)
    if position < rising {
      return smoothTurn(from: start, to: middle, at: position / rising)
    }
    return smoothTurn(from: middle, to: end, at: (position - rising) / (1 - rising))
  }
}

/// From `start` at position 0 to `end` at 1 on half a wave of the cosine.
private func smoothTurn(from start: Float, to end: Float, at position: Float) -> Float {
  // cos² and sin² in place of (1 ± cos) / 2, which loses the small end to rounding.
  let angle = 0.5 * Float.pi * position
  return start * cos(angle) * cos(angle) + end * sin(angle) * sin(angle)
}
