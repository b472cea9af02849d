import CSHA256
import TfastText

/// SHA-256 (FIPS 180-4), of data that comes in parts.
struct SHA256 {
  private var state: [UInt32] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab,
    0x5be0_cd19,
  ]
  private var rest = Bytes()  // less than a block
  private var count = 0
  private let isAccelerated: Bool

  /// - Parameter isAccelerated: whether to use the processor's instructions where it has them.
  init(isAccelerated: Bool = true) {
    self.isAccelerated = isAccelerated && tfast_has_sha256()
  }

  mutating func update(_ data: Span<UInt8>) {
    count += data.count
    var start = 0
    if !rest.isEmpty {
      start = min(64 - rest.count, data.count)
      rest.append(data.extracting(0..<start))
      guard rest.count == 64 else { return }
      let block = rest
      takeBlocks(block.span)
      rest.removeAll(keepingCapacity: true)
    }
    let end = start + (data.count - start) / 64 * 64
    takeBlocks(data.extracting(start..<end))
    rest.append(data.extracting(end..<data.count))
  }

  /// The digest in hexadecimal.
  mutating func finish() -> String {
    let bits = UInt64(count) * 8
    var end: Bytes = [0x80]
    end += Bytes(repeating: 0, count: (119 - count % 64) % 64)
    end += (0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - 8 * $0)) }
    update(end.span)
    return state.map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 8 - digits.count) + digits
    }.joined()
  }

  private mutating func takeBlocks(_ data: Span<UInt8>) {
    guard data.count > 0 else { return }
    if isAccelerated {
      data.withUnsafeBufferPointer { bytes in
        guard let base = bytes.baseAddress else { return }
        state.withUnsafeMutableBufferPointer { words in
          guard let state = words.baseAddress else { return }
          tfast_sha256_blocks(state, base, bytes.count / 64)
        }
      }
    } else {
      for start in stride(from: 0, to: data.count, by: 64) {
        takeBlock(data.extracting(start..<start + 64))
      }
    }
  }

  private mutating func takeBlock(_ block: Span<UInt8>) {
    var words = [UInt32](repeating: 0, count: 64)
    for index in 0..<64 { words[index / 4] = words[index / 4] << 8 | UInt32(block[index]) }
    for index in 16..<64 {
      let (before, last) = (words[index - 15], words[index - 2])
      let s0 = before.rotated(7) ^ before.rotated(18) ^ before >> 3
      let s1 = last.rotated(17) ^ last.rotated(19) ^ last >> 10
      words[index] = words[index - 16] &+ s0 &+ words[index - 7] &+ s1
    }
    var (a, b, c, d) = (state[0], state[1], state[2], state[3])
    var (e, f, g, h) = (state[4], state[5], state[6], state[7])
    for index in 0..<64 {
      let s1 = e.rotated(6) ^ e.rotated(11) ^ e.rotated(25)
      let t1 = h &+ s1 &+ (e & f ^ ~e & g) &+ roundConstants[index] &+ words[index]
      let s0 = a.rotated(2) ^ a.rotated(13) ^ a.rotated(22)
      let t2 = s0 &+ (a & b ^ a & c ^ b & c)
      (h, g, f, e, d, c, b, a) = (g, f, e, d &+ t1, c, b, a, t1 &+ t2)
    }
    for (index, word) in [a, b, c, d, e, f, g, h].enumerated() { state[index] &+= word }
  }
}

extension UInt32 {
  fileprivate func rotated(_ bits: UInt32) -> UInt32 { self >> bits | self << (32 - bits) }
}

private let roundConstants: [UInt32] = [
  0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4,
  0xab1c_5ed5, 0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe,
  0x9bdc_06a7, 0xc19b_f174, 0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f,
  0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da, 0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7,
  0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967, 0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc,
  0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85, 0xa2bf_e8a1, 0xa81a_664b,
  0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070, 0x19a4_c116,
  0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
  0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7,
  0xc671_78f2,
]

/// The SHA-256 of a file, read in small parts so that it takes no memory.
func sha256(ofFile path: String) throws(FileError) -> String {
  var hash = SHA256()
  try readFileInParts(path) { hash.update($0) }
  return hash.finish()
}
