// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

// CSQLite, SessionDomain, and SessionStore in sqlite-layers and in session-scale are links to the server's own sources, so
// that what is measured here is what runs there, internal declarations included. Serving in session-scale and stream-cost
// is a link to what call-cost starts servers with.
let store: [Target.Dependency] = [
  "CSQLite", "SessionDomain", arguments,
  .product(name: "DequeModule", package: "swift-collections"),
  .product(name: "HeapModule", package: "swift-collections"),
]
let package = Package(
  name: "benchmarks",
  products: [
    .executable(name: "call-cost", targets: ["call-cost"]),
    .executable(name: "session-scale", targets: ["session-scale"]),
    .executable(name: "sqlite-layers", targets: ["sqlite-layers"]),
    .executable(name: "stream-cost", targets: ["stream-cost"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
  ],
  targets: [
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .executableTarget(name: "call-cost", dependencies: ["CSQLite", arguments], swiftSettings: strict),
    .executableTarget(name: "stream-cost", dependencies: ["CSQLite", arguments], swiftSettings: strict),
    .target(name: "SessionDomain", swiftSettings: strict),
    .executableTarget(
      name: "sqlite-layers",
      dependencies: store + [.product(name: "GRDB", package: "GRDB.swift")],
      swiftSettings: strict),
    .executableTarget(name: "session-scale", dependencies: store, swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)
