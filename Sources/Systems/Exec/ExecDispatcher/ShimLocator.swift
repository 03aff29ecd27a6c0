import Glibc

/// Finds the shim a daemon starts its programs with.
public enum ShimLocator {
    public static let fileName = "carillon-shim"

    /// Answers the given path when there is one, else the shim beside the running executable.
    ///
    /// The answer need not exist: `ExecDispatcher.health()` says when it does not.
    public static func path(given: String? = nil) -> String {
        if let given, !given.isEmpty { return given }
        return beside("/proc/self/exe") ?? fileName
    }

    private static func beside(_ link: String) -> String? {
        guard let resolved = realpath(link, nil) else { return nil }
        defer { free(resolved) }
        let path = String(cString: resolved)
        guard let slash = path.lastIndex(of: "/") else { return nil }
        return path[...slash] + fileName
    }
}
