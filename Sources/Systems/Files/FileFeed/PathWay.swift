import Foundation

/// What a path means goes through folders and links; where any of them is replaced, it may mean something else.
enum PathWay {
    /// Links followed before a path is taken for a circle; the kernel's own measure, path_resolution(7).
    private static let mostLinks = 40

    /// Follows the folders on the way to a path, each with the names in it that lead there, and where the way ends.
    ///
    /// It ends early where something is missing: that name is among those of the last folder.
    static func folders(to path: String) -> (names: [String: Set<String>], end: String) {
        var names: [String: Set<String>] = [:]
        var rest = parts(path)[...]
        var here = "/"
        var links = 0
        while let part = rest.popFirst() {
            if part == ".." {
                here = (here as NSString).deletingLastPathComponent
                continue
            }
            names[here, default: []].insert(part)
            let next = here == "/" ? "/" + part : here + "/" + part
            if let target = try? FileManager.default.destinationOfSymbolicLink(atPath: next) {
                links += 1
                if links > mostLinks { break }
                if target.hasPrefix("/") { here = "/" }
                rest = (parts(target) + rest)[...]
            } else {
                here = next
            }
        }
        return (names, here)
    }

    private static func parts(_ path: String) -> [String] {
        path.split(separator: "/").map(String.init).filter { $0 != "." }
    }
}
