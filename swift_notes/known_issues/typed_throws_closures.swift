// Crashes the compiler, 6.3.1: closures with typed throws in an array.
//
//     swiftc -emit-ir swift_notes/known_issues/typed_throws_closures.swift
//
// Without the type of the error, `() throws -> Void` and `{ try check(x) }`, it compiles.
struct Refusal: Error {}

func check(_ x: Int) throws(Refusal) { if x > 3 { throw Refusal() } }

func checkTwice(_ x: Int) throws(Refusal) {
  let works: [() throws(Refusal) -> Void] = [
    { () throws(Refusal) in try check(x) },
    { () throws(Refusal) in try check(x + 1) },
  ]
  for work in works { try work() }
}
