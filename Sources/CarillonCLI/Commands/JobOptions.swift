import ArgumentParser
package import CarillonConfiguration
import CarillonCore
import CarillonDaemon
import CarillonEngine
import CommandSupport
import Foundation
import RQIntegration
import Timetable

/// The keys of a job as options: the same words as in a job file.
package struct JobOptions: ParsableArguments {
    @Option(help: "A cron expression, a nickname, or @every D.") var cron: String?
    @Option(help: "How --cron is read: unix, btu or quartz.") var dialect: String?
    @Option(help: "An interval: 15m, 1h30m, 2s.") var every: String?
    @Option(help: "Once, at this time (RFC 3339, or local in the zone).") var at: String?
    @Option(name: .customLong("zone"), help: "Time zone, an IANA name.", completion: .zones) var timeZone: String?
    @Option(help: "A line for /bin/sh, instead of a program.") var shell: String?
    @Option(help: "NAME=VALUE for the program; may be repeated.") var env: [String] = []
    @Option(help: "Working directory.") var directory: String?
    @Option(help: "User to run as (daemon of root only).") var user: String?
    @Option(help: "allow, skip, queue or replace.") var overlap: String?
    @Option(help: "skip, latest or all.") var catchUp: String?
    @Option(help: "Never start later than this after the scheduled time.") var window: String?
    @Option(help: "Delay each run by a stable part of this.") var jitter: String?
    @Option(help: "End a run that takes longer.") var timeout: String?
    @Option(help: "Tries in all.") var attempts: Int?
    @Option(help: "Wait before the second try; doubles from then on.") var backoff: String?
    @Option(help: "Work for those who listen on the bus: queues or exchanges.") var bus: String?
    @Option(help: "A word to find the job by; may be repeated.") var tag: [String] = []
    @Flag(help: "Add it switched off.") var disabled = false
    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "Any key of a job file, its value as TOML or plain text; may be repeated.", valueName: "key=value"))
    var keys: [String] = []
    @OptionGroup(title: "A job for Python RQ") var rq: RQOptions

    @Argument(
        parsing: .postTerminator, help: ArgumentHelp("The program and its arguments, after --.", valueName: "program"))
    var program: [String] = []

    package init() {}

    /// As a job file's table would hold it.
    package func node(name: String) throws -> ConfigNode {
        var entries: [(key: String, value: ConfigNode)] = [("name", ConfigNode(.string(name)))]
        func add(_ key: String, _ text: String?) {
            if let text { entries.append((key, ConfigNode(.string(text)))) }
        }
        add("cron", cron)
        add("dialect", dialect)
        add("every", every)
        add("at", at)
        add("time_zone", timeZone)
        add("shell", shell)
        add("directory", directory)
        add("user", user)
        add("overlap", overlap)
        add("catch_up", catchUp)
        add("window", window)
        add("jitter", jitter)
        add("timeout", timeout)
        let list = { (texts: [String]) in ConfigNode(.array(texts.map { ConfigNode(.string($0)) })) }
        if let rq = try rq.node() { entries.append(("rq", rq)) }
        if let bus { entries.append(("bus", ConfigNode(.table([("topology", ConfigNode(.string(bus)))])))) }
        if !program.isEmpty { entries.append(("exec", list(program))) }
        if !tag.isEmpty { entries.append(("tags", list(tag))) }
        if disabled { entries.append(("enabled", ConfigNode(.bool(false)))) }
        if attempts != nil || backoff != nil {
            var retry: [(key: String, value: ConfigNode)] = [("attempts", ConfigNode(.integer(Int64(attempts ?? 2))))]
            if let backoff { retry.append(("backoff", ConfigNode(.string(backoff)))) }
            entries.append(("retry", ConfigNode(.table(retry))))
        }
        var variables: [(key: String, value: ConfigNode)] = []
        for pair in env {
            guard let equals = pair.firstIndex(of: "=") else { throw Failure.input("--env: expected NAME=VALUE") }
            variables.append(
                (String(pair[..<equals]), ConfigNode(.string(String(pair[pair.index(after: equals)...])))))
        }
        if !variables.isEmpty { entries.append(("env", ConfigNode(.table(variables)))) }
        var node = ConfigNode(.table(entries))
        for pair in keys { try Self.set(pair, in: &node) }
        return node
    }

    /// Sets `key=value`, where the key may be dotted as in TOML.
    private static func set(_ pair: String, in node: inout ConfigNode) throws(Failure) {
        if let twice = node.merge(try JobText.assignment(pair, option: "--set")) {
            throw Failure.input("--set: \(twice) is given twice")
        }
    }

    func job(name: String, place: DaemonLocation) throws -> Job {
        try JobText(place).job(try node(name: name), name: name, source: "command line")
    }
}
