import Testing

@testable import TfastKernels

@Suite struct MixupTests {
  let examples: [Float] = [0, 1, 10, 20, -4, 8]

  private func blend(_ partners: [Int32], _ weights: [Float]) -> (status: Int32, values: [Float]) {
    var blended = [Float](repeating: .nan, count: 6)
    let status = blendFloat32(examples, partners, weights, &blended, 3, 2)
    return (status, blended)
  }

  @Test func exampleIsBlendedWithItsPartner() {
    let (status, values) = blend([1, 0, 2], [0.75, 1, 0.5])
    #expect(status == KernelStatus.done)
    #expect(values == [2.5, 5.75, 10, 20, -4, 8])
  }

  @Test func numbersOf64BitsAreBlendedToo() {
    var blended: [Double] = [0, 0]
    let status = blendFloat64([1, 3], [1, 0], [0.5, 1], &blended, 2, 1)
    #expect(status == KernelStatus.done)
    #expect(blended == [2, 3])
  }

  @Test(arguments: [Int32(3), -1, .max, .min])
  func partnerOutsideTheBatchIsRefusedBeforeAnythingIsWritten(partner: Int32) {
    let (status, values) = blend([1, 0, partner], [1, 1, 1])
    #expect(status == KernelStatus.badPartner)
    #expect(values.allSatisfy { $0.isNaN })
  }

  @Test func sizesThatNoMemoryHoldsAreRefused() {
    var blended: [Float] = [0]
    #expect(blendFloat32([0], [0], [0], &blended, -1, 2) == KernelStatus.badSize)
    #expect(blendFloat32([0], [0], [0], &blended, 2, .max) == KernelStatus.badSize)
  }

  @Test func emptyBatchIsNoError() {
    var blended: [Float] = []
    #expect(blendFloat32([], [], [], &blended, 0, 2) == KernelStatus.done)
  }
}
