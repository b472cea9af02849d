import Testing

@testable import TfastKernels

/// The texts with their runs marked, through the entry point that Python calls.
private func marked(_ texts: [[UInt8]], room: Int? = nil) -> (status: Int32, texts: [String]) {
  let buffers = texts.map { text in
    let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.count)
    _ = buffer.initialize(from: text)
    return UnsafePointer(buffer.baseAddress!)
  }
  defer { for buffer in buffers { buffer.deallocate() } }
  let room = room ?? markCharacterRunsRoom(texts.reduce(0) { $0 + $1.count })
  var output = [UInt8](repeating: 0, count: room)
  var ends = [Int](repeating: 0, count: texts.count)
  let status = markCharacterRuns(
    buffers, texts.map(\.count), texts.count, &output, room, &ends)
  var start = 0
  let results = ends.map { end in
    defer { start = end }
    return String(decoding: output[start..<end], as: UTF8.self)
  }
  return (status, status == KernelStatus.done ? results : [])
}

private func marked(_ text: String) -> String { marked([Array(text.utf8)]).texts[0] }

@Suite struct CharacterRunsTests {
  @Test(arguments: [
    ("so good!!!!", "so good xxrep 4 ! "),
    ("aab", "aab"),
    ("aaab", " xxrep 3 a b"),
    ("", ""),
    ("   \n\n\n\t\t\t", "   \n\n\n\t\t\t"),
    ("ééé", " xxrep 3 é "),
    ("éé日日日!", "éé xxrep 3 日 !"),
    ("😀😀😀😀", " xxrep 4 😀 "),
    ("\u{3000}\u{3000}\u{3000}", "\u{3000}\u{3000}\u{3000}"),
    ("aaabbb", " xxrep 3 a  xxrep 3 b "),
  ])
  func threeOrMoreInARowAreMarked(text: String, expected: String) {
    #expect(marked(text) == expected)
  }

  @Test func textsOfABatchAreKeptApart() {
    let texts = ["aa", "a", "", "bbb"].map { Array($0.utf8) }
    #expect(marked(texts).texts == ["aa", "a", "", " xxrep 3 b "])
  }

  @Test func roomIsEnoughForTheWorstText() {
    let text = (0..<1000).flatMap { [UInt8](repeating: $0 % 2 == 0 ? 97 : 98, count: 3) }
    let (status, results) = marked([text])
    #expect(status == KernelStatus.done)
    #expect(results[0].utf8.count == 11 * 1000)
  }

  @Test func tooLittleRoomIsRefused() {
    #expect(marked([Array("aaa".utf8)], room: 11).status == KernelStatus.outputTooSmall)
  }

  @Test func bytesThatAreNoTextDoNotTrap() {
    var state: UInt64 = 1
    for _ in 0..<2000 {
      let text = (0..<40).map { _ -> UInt8 in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 33) | 0x80
      }
      #expect(marked([text]).status == KernelStatus.done)
    }
  }
}
