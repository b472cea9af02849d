// Not differentiable in 6.3.1: `map`. (`differentiableMap`: yes.)
import _Differentiation

@differentiable(reverse)
func squares(_ values: [Float]) -> [Float] { values.map { $0 * $0 } }
