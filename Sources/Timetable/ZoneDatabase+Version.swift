extension ZoneDatabase {
    private static func versionFiles(_ directory: String) -> [String] {
        [directory + "/tzdata.zi", directory + "/+VERSION"]
    }

    static func versionSignatures(_ directory: String) -> [FileSignature?] {
        versionFiles(directory).map(FileSignature.init(path:))
    }

    /// Reads the release: `# version 2025b` opens `tzdata.zi`; a file `+VERSION` holds the bare release.
    static func readVersion(_ directory: String) -> String {
        for path in versionFiles(directory) {
            guard let bytes = DiskFile.read(path, limit: 256)?.bytes else { continue }
            let line = bytes.prefix { $0 != 0x0A }
            let words = line.split { $0 == 0x20 || $0 == 0x0D }
            guard let word = words.last, words.count == 1 || words.count == 3 else { continue }
            let release = String(decoding: word, as: UTF8.self)
            if word.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D }) {
                return release
            }
        }
        return "unknown"
    }
}
