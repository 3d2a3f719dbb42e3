import SessionDomain

extension FuzzTarget {
  static let metadataIndexes = FuzzTarget(
    "metadata-indexes",
    texts: [
      "domain,config->region", " 'a,b' -> 'c''d' , e ", "", "''", "a->", "a,a", "'a'b", "a->b->c->d->e->f->g->h->i",
      "\u{E4},a\u{308}",
    ], words: ["->", ",", "'", "''", " "]
  ) { text in
    if let paths = MetadataPath.list(text) {
      expect(paths.count <= MetadataPath.countMax, "\(paths.count) paths are read")
      let keys = paths.map { $0.keys.map { Array($0.utf8) } }
      expect(Set(keys).count == paths.count, "a path comes twice")
      expect(keys.joined().allSatisfy { isKey($0) }, "\(text) has keys that none can have")
      expect(
        MetadataPath.list(written(paths))?.map { $0.keys.map { Array($0.utf8) } } == keys,
        "\(text) reads back otherwise")
    }
    // Whatever a key has in it, it can be written.
    let key = Array(text.utf8)
    let path = MetadataPath([text])
    expect((path != nil) == isKey(key), "\(text) is taken for another key than it is")
    guard let path else { return }
    let again = MetadataPath.list(written([path]))
    expect(again?.count == 1 && again?.first?.keys.map { Array($0.utf8) } == [key], "\(text) cannot be written")
  }

  private static func written(_ paths: [MetadataPath]) -> String {
    paths.map { path in
      path.keys.map { key in
        var quoted = String.UnicodeScalarView("'".unicodeScalars)
        for scalar in key.unicodeScalars { quoted += scalar == "'" ? [scalar, scalar] : [scalar] }
        return String(quoted) + "'"
      }.joined(separator: "->")
    }.joined(separator: ",")
  }

  private static func isKey(_ bytes: [UInt8]) -> Bool {
    (1...MetadataPath.keyBytesMax).contains(bytes.count)
      && !bytes.contains { $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }
  }
}
