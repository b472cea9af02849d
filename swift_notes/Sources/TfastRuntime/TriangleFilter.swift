/// How one side of an image is resized: what each new pixel takes of the old ones.
///
/// Linear between the centres of pixels; with `antialias` the triangle is as wide as what a new
/// pixel covers. Source: TensorFlow, `tf.image.resize` with `bilinear`.
struct TriangleFilter: Sendable {
  /// Old pixels from `start` on, and their weights, which sum to 1.
  struct Span: Sendable {
    let start: Int
    let weights: [Float]
  }

  let spans: [Span]

  /// - Parameter window: which of the new pixels are wanted.
  init(from old: Int, to new: Int, window: Range<Int>, antialias: Bool) {
    let inverse = Float(1) / (Float(new) / Float(old))
    let kernelScale = antialias ? max(inverse, 1) : 1
    spans = window.map { index in
      let centre = (Float(index) + 0.5) * inverse
      let first = max(Int((centre - kernelScale - 0.5).rounded(.up)), 0)
      let last = min(Int((centre + kernelScale - 0.5).rounded(.down)), old - 1)
      // Every new centre lies inside the old image, so something is within reach.
      let weights = (first...max(first, last)).map { pixel in
        max(0, 1 - abs((Float(pixel) + 0.5 - centre) * (1 / kernelScale)))
      }
      let total = weights.reduce(0, +)
      return Span(start: first, weights: total > 0 ? weights.map { $0 / total } : weights)
    }
  }
}
