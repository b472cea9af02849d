/// What an entry point returns: 0, or which argument it refused. Callers check before; a check
/// here costs nothing, and a trap would end the whole process, which is Python's.
public enum KernelStatus {
  public static let done: Int32 = 0
  public static let badSize: Int32 = 1
  public static let badPartner: Int32 = 2
  public static let badOffsets: Int32 = 3
  public static let outputTooSmall: Int32 = 4
}

/// Blends each example of a batch with its partner: `weight * own + (1 - weight) * partner's`.
///
/// - Parameters:
///   - examples: `batch * size` numbers, one example after another.
///   - partners: `batch` positions in the batch.
///   - weights: `batch` numbers.
///   - blended: room for `batch * size` numbers; must not overlap `examples`.
/// - Returns: a `KernelStatus`. Where it is not `done`, `blended` is as it was.
@c(tfast_blend_float32)
public func blendFloat32(
  _ examples: UnsafePointer<Float>, _ partners: UnsafePointer<Int32>,
  _ weights: UnsafePointer<Float>, _ blended: UnsafeMutablePointer<Float>, _ batch: Int,
  _ size: Int
) -> Int32 {
  blend(examples, partners, weights, blended, batch, size) { $0 }
}

/// As `blendFloat32`, for examples of 64 bits; the weights are of 32 all the same.
@c(tfast_blend_float64)
public func blendFloat64(
  _ examples: UnsafePointer<Double>, _ partners: UnsafePointer<Int32>,
  _ weights: UnsafePointer<Float>, _ blended: UnsafeMutablePointer<Double>, _ batch: Int,
  _ size: Int
) -> Int32 {
  blend(examples, partners, weights, blended, batch, size) { Double($0) }
}

@inline(__always)
private func blend<Number: FloatingPoint>(
  _ examples: UnsafePointer<Number>, _ partners: UnsafePointer<Int32>,
  _ weights: UnsafePointer<Float>, _ blended: UnsafeMutablePointer<Number>, _ batch: Int,
  _ size: Int, asNumber: (Float) -> Number
) -> Int32 {
  guard batch >= 0, size >= 0, !batch.multipliedReportingOverflow(by: size).overflow else {
    return KernelStatus.badSize
  }
  for row in 0..<batch where partners[row] < 0 || Int(partners[row]) >= batch {
    return KernelStatus.badPartner
  }
  for row in 0..<batch {
    let weight = asNumber(weights[row])
    let complement = 1 - weight
    let own = examples + row &* size
    let partner = examples + Int(partners[row]) &* size
    let target = blended + row &* size
    for i in 0..<size { target[i] = weight * own[i] + complement * partner[i] }
  }
  return KernelStatus.done
}
