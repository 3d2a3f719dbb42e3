import CLibFuzzer
import Glibc

/// Fuzzes one parser of foreign bytes, with libFuzzer's arguments: `fuzz TARGET [-max_total_time=S] [FOLDER | FILE]`.
///
///     fuzz --list                  the targets
///     fuzz --write-seeds TARGET FOLDER
///                                  where its fuzzing starts, a file each, and its words in FOLDER.words
@main
struct Fuzz {
  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    switch (arguments.first, arguments.dropFirst().first) {
    case ("--list", _):
      for target in FuzzTarget.all { print(target.name) }
    case ("--write-seeds", let name?):
      guard let target = FuzzTarget.named(name), let folder = arguments.dropFirst(2).first else { return usage() }
      try target.writeSeeds(to: folder)
    case (let name?, _):
      guard FuzzTarget.named(name) != nil else { return usage() }
      run()
    case (nil, _): usage()
    }
  }

  private static func usage() {
    var text = "usage: fuzz --list | --write-seeds TARGET FOLDER | TARGET [libFuzzer's arguments]\n"
    text.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
    exit(2)
  }

  // libFuzzer takes the target's name for that of the program.
  private static func run() {
    var count = CommandLine.argc - 1
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv + 1
    let status = LLVMFuzzerRunDriver(&count, &arguments) { bytes, count in
      chosen?.check(FuzzInput(UnsafeRawBufferPointer(start: bytes, count: count)))
      return 0
    }
    exit(status)
  }
}

private let chosen = CommandLine.arguments.dropFirst().first.flatMap { FuzzTarget.named($0) }
