import GoldenMessages
import ProtobufC
import Testing

/// Submessages that come in parts (protobuf.dev/programming-guides/encoding, "Last One Wins").
@Suite struct MergeTests {
  private let child = WireBytes.field(1, WireBytes.field(3, []))

  @Test("The parts of a submessage are merged: numbers that come later win, lists grow, what is not there stays")
  func parts() throws {
    let first = try Outer.Inner.with {
      $0.nearest = .with { $0.innerValue = 1 }
      $0.outermost = .with {
        $0.int32Value = 1
        $0.stringValue = "first"
        $0.boolValue = true
      }
      $0.level = .other
    }.encoded()
    let second = try Outer.Inner.with {
      $0.outermost = .with {
        $0.int32Value = 2
        $0.bytesValue = [2]
      }
      $0.outerLevel = .high
    }.encoded()
    let outer: Outer = try decode(WireBytes.field(1, first) + WireBytes.field(1, second))
    let expected = Outer.Inner.with {
      $0.nearest = .with { $0.innerValue = 1 }
      $0.outermost = .with {
        $0.int32Value = 2
        $0.stringValue = "first"
        $0.boolValue = true
        $0.bytesValue = [2]
      }
      $0.level = .other
      $0.outerLevel = .high
    }
    #expect(outer.inner == expected)
  }

  @Test("Parts are merged at any depth, and apart from what lies between them")
  func depth() throws {
    let label = WireBytes.field(8, [0x61])
    let inside = WireBytes.field(1, label) + WireBytes.field(3, label) + WireBytes.field(1, child)
    let tree: Tree = try decode(WireBytes.field(3, WireBytes.field(2, inside)) + label)
    let left = Tree.with {
      $0.label = "a"
      $0.left = .with { $0.children = [Tree()] }
    }
    #expect(
      tree.children.first?.right
        == .with {
          $0.left = left
          $0.children = [.with { $0.label = "a" }]
        })
    #expect(tree.label == "a")
  }

  @Test("A message in a oneof is merged with itself, but not over another field of the oneof")
  func oneofs() throws {
    let one = try Oneofs.with { $0.choice = .messageChoice(.with { $0.int32Value = 1 }) }.encoded()
    let two = try Oneofs.with { $0.choice = .messageChoice(.with { $0.stringValue = "two" }) }.encoded()
    let other = try Oneofs.with { $0.choice = .stringChoice("other") }.encoded()
    let merged = Scalars.with {
      $0.int32Value = 1
      $0.stringValue = "two"
    }
    #expect(try decode(one + two, as: Oneofs.self).choice == .messageChoice(merged))
    #expect(try decode(one + other + two, as: Oneofs.self).choice == .messageChoice(.with { $0.stringValue = "two" }))
    #expect(try decode(one + two + other, as: Oneofs.self).choice == .stringChoice("other"))
    #expect(try decode(one + other + two + one, as: Oneofs.self).choice == .messageChoice(merged))
  }

  @Test("Two messages after one another are both merged")
  func sameAsConcatenation() throws {
    let one = Tree.with {
      $0.left = .with { $0.children = [Tree(), Tree()] }
      $0.kind = .only(.with { $0.label = "only" })
    }
    let two = Tree.with {
      $0.left = .with {
        $0.right = .with { $0.label = "right" }
        $0.kind = .leaf("leaf")
      }
      $0.branch = .with { $0.tree = Tree() }
    }
    let merged: Tree = try decode(try one.encoded() + two.encoded())
    #expect(merged.left?.children.count == 2)
    #expect(merged.left?.right?.label == "right" && merged.left?.leaf == "leaf")
    #expect(merged.only?.label == "only" && merged.branch?.tree == Tree())
  }

  @Test("Parts come up to the limit, and no more")
  func limit() throws {
    let nine = Array(repeatElement(child, count: 9).joined())
    #expect(try decode(nine, as: Tree.self).left?.children.count == 9)
    let error = refusal(of: nine + child, as: Tree.self)
    #expect(error?.kind == .tooManyMerges(max: 8) && error?.path == ["left"] && error?.message == "golden.Tree")
    let inside = refusal(of: WireBytes.field(3, WireBytes.field(2, nine + child)), as: Tree.self)
    #expect(inside?.path == ["children", "right", "left"])
    let inOneof = Array(repeatElement(WireBytes.field(5, child), count: 10).joined())
    #expect(refusal(of: inOneof, as: Tree.self)?.kind == .tooManyMerges(max: 8))
  }

  @Test("A flood of parts is refused", arguments: [20_000, 250_000])
  func flood(count: Int) {
    // 250,000 are 1.5 MB, and beyond the limit for memory even before they are joined.
    let kind = refusal(of: Array(repeatElement(child, count: count).joined()), as: Tree.self)?.kind
    #expect(kind == (count == 20_000 ? .tooManyMerges(max: 8) : .tooLarge(bytesMax: 32 << 20)))
  }

  @Test("Fields that are set once each are no parts, however many there are")
  func manyFields() throws {
    let wellKnown = WellKnown.with {
      $0.any = .init()
      $0.duration = .init()
      $0.empty = .init()
      $0.timestamps = [.init(), .init(), .init()]
    }
    #expect(try decode(try wellKnown.encoded(), as: WellKnown.self) == wellKnown)
  }
}
