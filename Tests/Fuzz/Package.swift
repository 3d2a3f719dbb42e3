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
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let tls = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let certificates = Target.Dependency.product(name: "X509", package: "swift-certificates")
let coreMetrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let configuration = Target.Dependency.product(name: "Configuration", package: "swift-configuration")

// Sources, GoldenMessages and CGoldenMessages are links to the server's own, so that internal parsers are reached where
// they are, and are built as they must be here.
let package = Package(
  name: "fuzz",
  dependencies: [
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
    .package(url: "https://github.com/apple/swift-certificates", from: "1.21.0"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: ["YAML"]),
  ],
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
    module("RPCTransport", ["RPCCore", "HTTP2", nioCore, nioPosix, nioTLS, tls, certificates, collections]),
    module("RPCServices", ["RPCCore", "ProtobufC", "ProtobufWellKnownTypes", "CProtoMessages", crypto]),
    module("SessionDomain"),
    module("SessionStore", ["SessionDomain", "CSQLite", collections, heaps]),
    module("SessionAPI", ["RPCCore", "ProtobufC", "ProtobufWellKnownTypes", "CProtoMessages"]),
    module(
      "SessionServices",
      ["SessionAPI", "SessionDomain", "RPCCore", "RPCServices", "ProtobufC", "ProtobufWellKnownTypes", collections]),
    module("AdminPort", [coreMetrics, nioCore, nioPosix, nioHTTP1]),
    module(
      "sessiond", ["RPCCore", "RPCServices", "SessionAPI", configuration],
      files: [
        "Settings/ListenAddress.swift", "Settings/SettingsFile.swift", "Access/ContractPolicy.swift",
        "Access/TokenFile.swift",
      ]),

    .target(name: "CGoldenMessages", dependencies: ["CProtobufC", "CProtoMessages"], path: "CGoldenMessages"),
    .target(
      name: "GoldenMessages", dependencies: ["RPCCore", "ProtobufC", "ProtobufWellKnownTypes", "CGoldenMessages"],
      path: "GoldenMessages", swiftSettings: fuzzed),

    .executableTarget(
      name: "fuzz",
      dependencies: [
        "CLibFuzzer", "ProtobufC", "ProtobufWellKnownTypes", "CProtobufC", "HTTP2", "RPCCore", "RPCTransport",
        "RPCServices", "SessionDomain", "SessionStore", "SessionAPI", "SessionServices", "AdminPort", "sessiond",
        "GoldenMessages", "CSQLite", nioCore, nioEmbedded, tls, certificates,
      ],
      path: "fuzz", swiftSettings: fuzzed,
      // Debian's gold fails on what the sanitizers make.
      linkerSettings: [.unsafeFlags([sanitizers, "-use-ld=lld"])]),
  ],
  swiftLanguageModes: [.v6]
)
