import Foundation
import Testing

@testable import TfastGrad

/// What `python/make_goldens.py` wrote.
enum Goldens {
  static func read<Golden: Decodable>(_ name: String, as type: Golden.Type) throws -> Golden {
    let file = try #require(
      Bundle.module.url(forResource: name, withExtension: "json", subdirectory: "Goldens"))
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(type, from: Data(contentsOf: file))
  }
}

/// Fails where two numbers are further apart than `tolerance`, relative to those above 1.
func expectClose(
  _ actual: Float, _ expected: Float, tolerance: Float = 1e-5, _ comment: Comment? = nil,
  at location: SourceLocation = #_sourceLocation
) {
  let difference = abs(actual - expected)
  #expect(
    difference <= tolerance * max(1, abs(expected)), comment, sourceLocation: location)
}

func expectClose(
  _ actual: Matrix, _ expected: Matrix, tolerance: Float = 1e-5, _ comment: Comment? = nil,
  at location: SourceLocation = #_sourceLocation
) {
  #expect(
    actual.rows == expected.rows && actual.columns == expected.columns, comment,
    sourceLocation: location)
  for (a, e) in zip(actual.values, expected.values) {
    expectClose(a, e, tolerance: tolerance, comment, at: location)
  }
}

/// The slope of `function` at `point` along `direction`, from two values of it.
func finiteDifference(
  at point: Matrix, along direction: Matrix, step: Float = 1e-2, of function: (Matrix) -> Float
) -> Float {
  var (ahead, back) = (point, point)
  ahead.addScaled(direction, by: step)
  back.addScaled(direction, by: -step)
  return (function(ahead) - function(back)) / (2 * step)
}

/// The slope that a gradient promises along a direction.
func slope(_ gradient: Matrix, along direction: Matrix) -> Float {
  zip(gradient.values, direction.values).reduce(0) { $0 + $1.0 * $1.1 }
}

/// Numbers from -1 to 1 that are the same in each run.
func fixedNumbers(rows: Int, columns: Int, seed: UInt64) -> Matrix {
  var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
  let values: [Float] = (0..<rows * columns).map { _ in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Float(state >> 40) / Float(1 << 23) - 1
  }
  return Matrix(rows: rows, columns: columns, values: values)
}
