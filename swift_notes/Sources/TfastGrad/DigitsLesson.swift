import Foundation
import _Differentiation

/// Lesson 12 in small, read from a JSON file: the data, the first weights, and every random
/// choice of the run, so that Keras and Swift can take the very same steps.
public struct DigitsLesson: Decodable, Sendable {
  /// One string an image: a letter for each pixel, "a" for 0 to "q" for 16.
  let images: [String]
  let labels: [Int]
  let classes: Int
  let hiddenKernel: [[Float]]
  let outputKernel: [[Float]]
  /// For each step: the images of its batch, with whom each is blended and how much of
  /// itself it keeps.
  let batches: [[Int]]
  let partners: [[Int]]
  let weights: [[Float]]
  let labelSmoothing: Float
  let peakLearningRate: Float
  /// What the images after these are for: counting how many the model gets right.
  let trainingImages: Int

  /// What a run of `train` saw.
  public struct Result: Encodable, Sendable {
    /// The loss of each step, before its update.
    public var losses: [Float]
    /// The fraction right among the images that are not for training.
    public var accuracy: Float
  }

  public init(json: Data) throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    self = try decoder.decode(DigitsLesson.self, from: json)
    let consistent =
      labels.count == images.count && trainingImages <= images.count
      && partners.count == batches.count && weights.count == batches.count
    guard consistent else { throw LessonError.inconsistent }
  }

  public enum LessonError: Error { case inconsistent }

  /// Pixels from 0 to 1, a row for each image.
  public var pixels: Matrix {
    Matrix(images.map { image in image.utf8.map { Float($0 - UInt8(ascii: "a")) / 16 } })
  }

  public var firstModel: TwoLayerClassifier {
    let (hidden, output) = (Matrix(hiddenKernel), Matrix(outputKernel))
    return TwoLayerClassifier(
      hiddenKernel: hidden, hiddenBias: Matrix(rows: 1, columns: hidden.columns),
      outputKernel: output, outputBias: Matrix(rows: 1, columns: output.columns))
  }

  /// One batch, blended: pixels and soft labels.
  func mixedBatch(_ step: Int, of pixels: Matrix, _ targets: Matrix) -> (Matrix, Matrix) {
    let (batch, partners, weights) = (batches[step], partners[step], weights[step])
    return (
      pixels.rows(batch).blended(with: partners, weights: weights),
      targets.rows(batch).blended(with: partners, weights: weights)
    )
  }

  /// Trains with mixup, label smoothing and one-cycle SGD with momentum.
  public func train() -> Result {
    let pixels = pixels
    let targets = Matrix.oneHot(labels, classes: classes)
    let schedule = OneCycle(peak: peakLearningRate, totalSteps: batches.count)
    var model = firstModel
    var optimizer = MomentumSGD()
    var losses: [Float] = []
    for step in batches.indices {
      let (inputs, mixed) = mixedBatch(step, of: pixels, targets)
      let (loss, gradient) = valueWithGradient(at: model) { model in
        softTargetCrossEntropy(
          logits: model.logits(inputs), targets: mixed, labelSmoothing: labelSmoothing)
      }
      losses.append(loss)
      optimizer.update(
        &model, along: gradient, rate: schedule.learningRate(step: step),
        momentum: schedule.momentum(step: step))
    }
    let unseen = Array(trainingImages..<images.count)
    let accuracy = model.accuracy(pixels.rows(unseen), labels: unseen.map { labels[$0] })
    return Result(losses: losses, accuracy: accuracy)
  }
}
