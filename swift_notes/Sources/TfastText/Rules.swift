/// fastai's rules that may look further than one word, in their order. Each takes and gives UTF-8.

// In this order: a later one may see what an earlier one made.
private let mess: [(Literal, Bytes)] = [
  (Literal("#39;"), Bytes("'")),
  (Literal("amp;"), Bytes("&")),
  (Literal("#146;"), Bytes("'")),
  (Literal("nbsp;"), Bytes(" ")),
  (Literal("#36;"), Bytes("$")),
  (Literal("\\n"), Bytes("\n")),
  (Literal("quot;"), Bytes("'")),
  (Literal("<br />"), Bytes("\n")),
  (Literal("\\\""), Bytes("\"")),
  (Literal("<unk>"), SpecialToken.unknown.bytes),
  (Literal(" @.@ "), Bytes(".")),
  (Literal(" @-@ "), Bytes("-")),
  (Literal("..."), Bytes(" …")),
]

/// Undoes what web pages and data sets left in texts: "<br />", "amp;", "&eacute;" ...
func fixHTML(_ text: inout Bytes, references: HTMLReferences) {
  for (old, new) in mess { text.replace(old, by: new) }
  references.unescape(&text)
}

/// Puts spaces around "/", "#" and "\", then leaves one of several spaces.
func spaceOut(_ text: Span<UInt8>) -> Bytes {
  var output = Bytes()
  output.reserveCapacity(text.count + text.count / 8)
  for index in text.indices {
    let byte = text[index]
    switch byte {
    case UInt8(ascii: "/"), UInt8(ascii: "#"), UInt8(ascii: "\\"):
      if output.last != space { output.append(space) }
      output.append(byte)
      output.append(space)
    case space:
      if output.last != space { output.append(space) }
    default:
      output.append(byte)
    }
  }
  return output
}
