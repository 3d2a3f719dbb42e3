// swift-tools-version: 6.2
import PackageDescription

// Every module that foreign bytes reach is built with libFuzzer's coverage and the sanitizer for addresses.
let sanitizers = "-sanitize=fuzzer,address"
let fuzzed: [SwiftSetting] = [
  .treatAllWarnings(as: .error), .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .unsafeFlags([sanitizers, "-enable-testing"]),
]

func systemLibrary(_ name: String, pkgConfig: String) -> Target {
  .systemLibrary(name: name, path: "Sources/\(name)", pkgConfig: pkgConfig)
}

/// A module of the server, or the files of one that parse.
func module(_ name: String, _ dependencies: [Target.Dependency] = [], files: [String]? = nil) -> Target {
  .target(
    name: name, dependencies: dependencies, path: "Sources/\(name)", sources: files, swiftSettings: fuzzed)
}

let collections = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let heaps = Target.Dependency.product(name: "HeapModule", package: "swift-collections")

// Sources, GoldenMessages and CGoldenMessages are links to the server's own, so that internal parsers are reached where
// they are, and are built as they must be here.
let package = Package(
  name: "fuzz",
  dependencies: [.package(url: "https://github.com/apple/swift-collections", from: "1.6.0")],
  targets: [
    systemLibrary("CNghttp2", pkgConfig: "libnghttp2"),
    systemLibrary("CProtobufC", pkgConfig: "libprotobuf-c"),
    systemLibrary("CZlib", pkgConfig: "zlib"),
    systemLibrary("CSQLite", pkgConfig: "sqlite3"),
    .systemLibrary(name: "CLibFuzzer", path: "CLibFuzzer"),

    .target(name: "CProtoMessages", dependencies: ["CProtobufC"], path: "Sources/CProtoMessages"),
    module("ProtobufC", ["CProtobufC"]),
    module("ProtobufWellKnownTypes", ["ProtobufC", "CProtoMessages"]),
    module("HTTP2", ["CNghttp2", collections]),
    module("RPCCore", ["ProtobufC", "CZlib"]),
    module(
      "RPCTransport", ["RPCCore", "HTTP2"],
      files: [
        "Server/RequestHead.swift", "Server/CommonHead.swift", "Server/HeaderFields.swift",
        "Connection/TakeValue.swift", "Client/ResponseHeadReader.swift", "Client/StatusMapping.swift",
      ]),
    module(
      "RPCServices", ["RPCCore", "ProtobufC", "ProtobufWellKnownTypes", "CProtoMessages"],
      files: ["Access/AccessPolicy.swift", "Access/Role.swift", "Errors", "Generated"]),
    module("SessionDomain"),
    module("SessionStore", ["SessionDomain", "CSQLite", collections, heaps]),
    module("SessionAPI", ["RPCCore", "ProtobufC", "ProtobufWellKnownTypes", "CProtoMessages"]),
    module(
      "SessionServices", ["SessionAPI", "SessionDomain", "RPCCore", "RPCServices", "ProtobufWellKnownTypes"],
      files: ["Mapping", "Sessions/SessionQueryMapping.swift", "Events/MonitoringTargets.swift"]),
    module(
      "sessiond", ["SessionAPI", "RPCCore", "RPCServices"],
      files: ["Settings/ListenAddress.swift", "Access/ContractPolicy.swift"]),

    .target(name: "CGoldenMessages", dependencies: ["CProtobufC", "CProtoMessages"], path: "CGoldenMessages"),
    .target(
      name: "GoldenMessages", dependencies: ["RPCCore", "ProtobufC", "ProtobufWellKnownTypes", "CGoldenMessages"],
      path: "GoldenMessages", swiftSettings: fuzzed),

    .executableTarget(
      name: "fuzz",
      dependencies: [
        "CLibFuzzer", "ProtobufC", "ProtobufWellKnownTypes", "CProtobufC", "HTTP2", "RPCCore", "RPCTransport",
        "RPCServices", "SessionDomain", "SessionStore", "SessionAPI", "SessionServices", "sessiond", "GoldenMessages",
        "CSQLite",
      ],
      path: "fuzz", swiftSettings: fuzzed,
      // Debian's gold fails on what the sanitizers make.
      linkerSettings: [.unsafeFlags([sanitizers, "-use-ld=lld"])]),
  ],
  swiftLanguageModes: [.v6]
)
