import Glibc

/// What the kernel says of this process, under the names that all programs give it: proc(5), getrlimit(2).
enum ProcessFigures {
    static let families = [
        MetricFamily("process_cpu_seconds_total", .counter, "CPU time of this process, in user and system mode."),
        MetricFamily("process_resident_memory_bytes", .gauge, "Memory that is resident."),
        MetricFamily("process_virtual_memory_bytes", .gauge, "Memory that is mapped."),
        MetricFamily("process_start_time_seconds", .gauge, "When this process started."),
        MetricFamily("process_threads", .gauge, "Threads of this process."),
        MetricFamily("process_open_fds", .gauge, "Open file descriptors."),
        MetricFamily("process_max_fds", .gauge, "Open file descriptors at most."),
    ]

    /// Leaves out what cannot be read.
    static func read() -> [(family: MetricFamily, value: Double)] {
        var values: [String: Double] = [:]
        // The name in brackets may hold anything; the state, field 3, comes after it.
        if let stat = text(of: "/proc/self/stat"), let end = stat.lastIndex(of: ")") {
            let fields = stat[stat.index(after: end)...].split(separator: " ").map { Double($0) }
            let field = { (number: Int) in number - 3 < fields.count ? fields[number - 3] : nil }
            let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
            if let user = field(14), let system = field(15) {
                values["process_cpu_seconds_total"] = (user + system) / ticks
            }
            values["process_threads"] = field(20)
            if let started = field(22), let boot = bootTime {
                values["process_start_time_seconds"] = boot + started / ticks
            }
            values["process_virtual_memory_bytes"] = field(23)
            values["process_resident_memory_bytes"] = field(24).map { $0 * Double(sysconf(Int32(_SC_PAGESIZE))) }
        }
        values["process_open_fds"] = openDescriptors
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            values["process_max_fds"] = Double(limit.rlim_cur)
        }
        return families.compactMap { family in values[family.name].map { (family, $0) } }
    }

    /// Seconds since 1970 at which the machine started.
    private static var bootTime: Double? {
        let line = text(of: "/proc/stat")?.split(separator: "\n").first { $0.hasPrefix("btime ") }
        return line.flatMap { Double($0.dropFirst(6)) }
    }

    private static var openDescriptors: Double? {
        guard let folder = opendir("/proc/self/fd") else { return nil }
        defer { closedir(folder) }
        var count = 0
        while let entry = readdir(folder) { if entry.pointee.d_name.0 != CChar(UInt8(ascii: ".")) { count += 1 } }
        // The one that it was read through is no more.
        return Double(count - 1)
    }

    private static func text(of path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = Glibc.read(file, &chunk, chunk.count)
            if count <= 0 { break }
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
