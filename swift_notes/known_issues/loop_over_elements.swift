// Not differentiable in 6.3.1: a loop over an array's elements. (Over its indices: yes.)
import _Differentiation

@differentiable(reverse)
func sum(_ values: [Float]) -> Float {
  var total: Float = 0
  for value in values { total += value }
  return total
}
