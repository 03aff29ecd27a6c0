import CarillonMetrics
import CoreMetrics
import Testing

/// What is counted, and how it is written.
@Suite struct RegistryTests {
    private static let families = [
        MetricFamily("t_info", .info, ["version"], "What \\ it is."),
        MetricFamily("t_runs_total", .counter, ["state"], most: 3, "Runs."),
        MetricFamily("t_free_bytes", .gauge, "Room."),
        MetricFamily("t_took_seconds", .histogram, ["op"], most: 2, bounds: [0.001, 1, 60], "How long."),
    ]

    private let registry = MetricsRegistry(RegistryTests.families)

    private func counter(_ state: String) -> Counter {
        Counter(label: "t_runs_total", dimensions: [("state", state)], factory: registry)
    }

    /// Without what the kernel says.
    private func text(_ format: MetricsFormat) -> String {
        let lines = registry.text(format).split(separator: "\n").filter { !$0.contains("process_") }
        return lines.joined(separator: "\n")
    }

    private func fill() {
        Meter(label: "t_info", dimensions: [("version", "a\"b\\\n")], factory: registry).set(1)
        counter("completed").increment(by: 5)
        counter("failed").increment()
        counter("completed").increment()
        Meter(label: "t_free_bytes", factory: registry).set(1.5)
        let timer = Timer(label: "t_took_seconds", dimensions: [("op", "open")], factory: registry)
        for length in [0, 1_000_000, 1_000_999, 1_001_000, 2_000_000_000, 61_000_000_000] as [Int64] {
            timer.recordNanoseconds(length)
        }
    }

    @Test func itWritesTheTextFormat() {
        fill()
        let expected = #"""
            # HELP t_info What \\ it is.
            # TYPE t_info gauge
            t_info{version="a\"b\\\n"} 1
            # HELP t_runs_total Runs.
            # TYPE t_runs_total counter
            t_runs_total{state="completed"} 6
            t_runs_total{state="failed"} 1
            # HELP t_free_bytes Room.
            # TYPE t_free_bytes gauge
            t_free_bytes 1.5
            # HELP t_took_seconds How long.
            # TYPE t_took_seconds histogram
            t_took_seconds_bucket{op="open",le="0.001"} 3
            t_took_seconds_bucket{op="open",le="1.0"} 4
            t_took_seconds_bucket{op="open",le="60.0"} 5
            t_took_seconds_bucket{op="open",le="+Inf"} 6
            t_took_seconds_sum{op="open"} 63.003001
            t_took_seconds_count{op="open"} 6
            """#
        #expect(text(.text) == expected)
    }

    @Test func itWritesOpenMetrics() {
        fill()
        let lines = text(.openMetrics).split(separator: "\n").map(String.init)
        #expect(lines.first == #"# HELP t What \\ it is."#)
        for line in [
            "# TYPE t info", "# TYPE t_runs counter", "t_runs_total{state=\"failed\"} 1",
            "# UNIT t_free_bytes bytes", "# TYPE t_took_seconds histogram", "# UNIT t_took_seconds seconds",
        ] {
            #expect(lines.contains(line), "\(line)")
        }
        #expect(lines.last == "# EOF")
    }

    /// A library may count what it likes.
    @Test func whatIsInNoFamilyGoesNowhere() {
        Counter(label: "hb_requests", dimensions: [("path", "/x")], factory: registry).increment()
        Counter(label: "t_runs_total", dimensions: [("other", "x")], factory: registry).increment()
        Counter(label: "t_free_bytes", factory: registry).increment()
        Recorder(label: "t_took_seconds", dimensions: [("op", "open")], factory: registry).record(1)
        #expect(text(.text).isEmpty)
    }

    @Test func thereIsABound() {
        for number in 0..<10 { counter("\(number)").increment() }
        #expect(text(.text).split(separator: "\n").count == 2 + 3)
        // What is there already counts on, and what is gone makes room.
        counter("0").increment()
        #expect(text(.text).contains("t_runs_total{state=\"0\"} 2"))
        counter("1").destroy()
        counter("new").increment()
        #expect(text(.text).contains("t_runs_total{state=\"new\"} 1"))
        #expect(!text(.text).contains("state=\"1\""))
    }

    @Test func aGaugeWithoutAValueIsNotThere() {
        let meter = Meter(label: "t_free_bytes", factory: registry)
        #expect(text(.text).isEmpty)
        meter.set(7)
        meter.increment(by: 2.5)
        meter.decrement(by: 1)
        #expect(text(.text).hasSuffix("t_free_bytes 8.5"))
        meter.set(Double.nan)
        #expect(text(.text).isEmpty)
    }

    @Test func nothingIsLostWhereManyCount() async {
        let counter = counter("a")
        let timer = Timer(label: "t_took_seconds", dimensions: [("op", "a")], factory: registry)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<10_000 {
                        counter.increment()
                        timer.recordNanoseconds(1_000_000)
                    }
                }
            }
        }
        #expect(text(.text).contains("t_runs_total{state=\"a\"} 80000"))
        #expect(text(.text).contains("t_took_seconds_count{op=\"a\"} 80000"))
        #expect(text(.text).contains("t_took_seconds_sum{op=\"a\"} 80\n"))
    }

    @Test func theKernelSaysSomethingOfThisProcess() throws {
        let lines = registry.text(.text).split(separator: "\n").map(String.init)
        for name in [
            "process_cpu_seconds_total", "process_resident_memory_bytes", "process_virtual_memory_bytes",
            "process_start_time_seconds", "process_threads", "process_open_fds", "process_max_fds",
        ] {
            let line = try #require(lines.first { $0.hasPrefix(name + " ") }, "\(name)")
            #expect(try #require(Double(line.dropFirst(name.count + 1))) > 0, "\(line)")
        }
    }

    @Test(arguments: [
        (nil, MetricsFormat.text), ("", .text), ("*/*", .text), ("text/plain", .text),
        ("application/openmetrics-text", .openMetrics), ("application/openmetrics-text; version=1.0.0", .openMetrics),
        ("application/openmetrics-text;version=2.0.0", .text),
        // Prometheus 2.42 and 3.
        (
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            .openMetrics
        ),
        (
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            .openMetrics
        ),
        ("text/plain;q=0.9, application/openmetrics-text;q=0.2", .text),
        ("application/openmetrics-text;q=0", .text), (";;q=x,=,", .text),
    ])
    func theFormIsTheOneThatIsAskedFor(_ header: String?, _ format: MetricsFormat) {
        #expect(MetricsFormat(accepting: header) == format)
    }
}
