// swift-tools-version: 6.2
import PackageDescription

// A handler's calls stay where they are called from: without the second, each call of an async function looks up
// where its task would rather be, under a lock.
let strict: [SwiftSetting] = [
  .treatAllWarnings(as: .error), .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

func systemLibrary(_ name: String, pkgConfig: String, apt: String) -> Target {
  .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([apt])])
}

func library(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
  .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict)
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
  .testTarget(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict)
}

let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let collections = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let heaps = Target.Dependency.product(name: "HeapModule", package: "swift-collections")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let coreMetrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let tls = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let configuration = Target.Dependency.product(name: "Configuration", package: "swift-configuration")
let certificates = Target.Dependency.product(name: "X509", package: "swift-certificates")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let pluginLibrary = Target.Dependency.product(name: "SwiftProtobufPluginLibrary", package: "swift-protobuf")

let package = Package(
  name: "sessiond",
  products: [
    .executable(name: "sessiond", targets: ["sessiond"]),
    .executable(name: "protoc-gen-swift-rpc", targets: ["protoc-gen-swift-rpc"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
    .package(url: "https://github.com/apple/swift-certificates", from: "1.21.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: ["YAML"]),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0", traits: []),
  ],
  targets: [
    systemLibrary("CNghttp2", pkgConfig: "libnghttp2", apt: "libnghttp2-dev"),
    systemLibrary("CProtobufC", pkgConfig: "libprotobuf-c", apt: "libprotobuf-c-dev"),
    systemLibrary("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
    systemLibrary("CSQLite", pkgConfig: "sqlite3", apt: "libsqlite3-dev"),
    .systemLibrary(name: "CMalloc"),

    // The RPC runtime.
    .target(name: "CProtoMessages", dependencies: ["CProtobufC"]),
    library("ProtobufC", ["CProtobufC"]),
    library("ProtobufWellKnownTypes", ["ProtobufC", "CProtoMessages"]),
    library("HTTP2", ["CNghttp2", collections]),
    library("RPCCore", ["ProtobufC", "CZlib"]),
    library("RPCTransport", ["RPCCore", "HTTP2", nioCore, nioPosix, nioTLS, tls, certificates, collections]),
    library("RPCInProcess", ["RPCCore", "ProtobufC"]),
    library("RPCServices", ["RPCCore", "ProtobufC", "ProtobufWellKnownTypes", "CProtoMessages", crypto]),
    .target(
      name: "RPCTestSupport", dependencies: ["RPCCore", "ProtobufWellKnownTypes"], path: "Tests/RPCTestSupport",
      swiftSettings: strict),
    tests("HTTP2Tests", ["HTTP2"]),
    tests("RPCCoreTests", ["RPCCore", "ProtobufC", "ProtobufWellKnownTypes", "RPCTestSupport"]),
    tests(
      "RPCTransportTests",
      [
        "RPCTransport", "RPCCore", "HTTP2", "ProtobufWellKnownTypes", "RPCTestSupport", nioCore, nioPosix, tls, crypto,
        certificates,
      ]),
    tests("RPCInProcessTests", ["RPCInProcess", "RPCCore", "ProtobufWellKnownTypes", "RPCTestSupport"]),
    tests(
      "RPCServicesTests",
      ["RPCServices", "RPCInProcess", "RPCCore", "ProtobufC", "ProtobufWellKnownTypes", "RPCTestSupport"]),
    program("protoc-gen-swift-rpc", [pluginLibrary]),

    // What the generator makes of protos with every kind of field and name.
    .target(
      name: "CGoldenMessages", dependencies: ["CProtobufC", "CProtoMessages"], path: "Tests/CGoldenMessages"),
    .target(
      name: "GoldenMessages",
      dependencies: ["RPCCore", "ProtobufC", "ProtobufWellKnownTypes", "CGoldenMessages"], path: "Tests/GoldenMessages",
      swiftSettings: strict),
    tests(
      "GeneratorTests",
      ["protoc-gen-swift-rpc", "GoldenMessages", "RPCCore", "ProtobufC", "ProtobufWellKnownTypes", subprocess],
      exclude: ["Protos"]),
    tests("ProtobufCTests", ["ProtobufC", "GoldenMessages"]),

    // The product.
    library("SessionDomain", []),
    library("SessionStore", ["SessionDomain", "CSQLite", collections, heaps]),
    .target(
      name: "RepositoryConformance", dependencies: ["SessionDomain"], path: "Tests/RepositoryConformance",
      swiftSettings: strict),
    tests("SessionDomainTests", ["SessionDomain"]),
    tests("SessionStoreTests", ["SessionStore", "SessionDomain", "RepositoryConformance", "CSQLite"]),
    library("SessionAPI", ["RPCCore", "ProtobufC", "ProtobufWellKnownTypes", "CProtoMessages"]),
    library(
      "SessionServices",
      ["SessionAPI", "SessionDomain", "RPCCore", "RPCServices", "ProtobufC", "ProtobufWellKnownTypes", collections]),
    library("AdminPort", [coreMetrics, nioCore, nioPosix, nioHTTP1]),
    tests("AdminPortTests", ["AdminPort", metrics, nioCore, nioHTTP1, nioEmbedded]),
    program(
      "sessiond",
      [
        "SessionServices", "SessionStore", "SessionDomain", "RPCTransport", "RPCServices", "RPCCore", "AdminPort",
        "CMalloc", nioCore, nioPosix, arguments, configuration, logging, metrics, lifecycle, signals,
      ]),
    tests(
      "SessionServicesTests",
      [
        "SessionServices", "SessionStore", "SessionDomain", "SessionAPI", "RPCInProcess", "RPCTransport", "RPCServices",
        "RPCCore", "ProtobufC", "ProtobufWellKnownTypes", "RPCTestSupport", "RepositoryConformance",
      ]),
    tests(
      "SessiondTests",
      ["sessiond", "AdminPort", "SessionDomain", "RPCServices", "RPCCore", "RPCTransport", logging, metrics]),

    // What a message costs.
    .executableTarget(
      name: "message-cost",
      dependencies: ["SessionAPI", "RPCTransport", "RPCCore", "ProtobufWellKnownTypes", arguments],
      path: "Benchmarks/Sources/message-cost", swiftSettings: strict),

    // gRPC's interoperability tests.
    .target(name: "CInteropMessages", dependencies: ["CProtobufC"]),
    library("InteropAPI", ["RPCCore", "ProtobufC", "CInteropMessages"]),
    program(
      "interop-server", ["InteropAPI", "RPCTransport", "RPCCore", nioCore, arguments, logging, lifecycle]),
    program("interop-client", ["InteropAPI", "RPCTransport", "RPCCore", "ProtobufC", arguments]),
    tests(
      "InteropTests",
      ["interop-server", "interop-client", "InteropAPI", "RPCTransport", "RPCInProcess", "RPCCore", "RPCTestSupport"]),
  ],
  swiftLanguageModes: [.v6]
)
