// Not differentiable in 6.3.1: writing one element of an array.
import _Differentiation

@differentiable(reverse)
func withFirstDoubled(_ values: [Float]) -> [Float] {
  var result = values
  result[0] = 2 * values[0]
  return result
}
