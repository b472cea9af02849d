/// fastai's rules `replace_all_caps` and `replace_maj`, for one word.
///
/// - Returns: "xxup" for a word in capitals longer than a letter, "xxmaj" for one with a capital
///   only in front, else nil. Only A to Z count as capitals, as in fastai.
func capitalMark(_ word: Span<UInt8>) -> SpecialToken? {
  guard word.count > 1, isCapital(word[0]) else { return nil }
  var hasSmall = false
  var hasOtherCapital = false
  for index in 1..<word.count {
    hasSmall = hasSmall || word[index] &- UInt8(ascii: "a") < 26
    hasOtherCapital = hasOtherCapital || isCapital(word[index])
  }
  if !hasSmall { return .allCapitals }
  return hasOtherCapital ? nil : .capitalized
}

private func isCapital(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "A") < 26 }
