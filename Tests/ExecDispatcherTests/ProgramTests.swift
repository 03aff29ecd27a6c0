import CarillonCore
import ExecDispatcher
import Glibc
import Testing

/// What a program finds when it starts.
@Suite(.timeLimit(.minutes(5)))
struct ProgramTests {
    @Test func environmentIsExactlyWhatIsPromised() async throws {
        let bench = try await ExecBench { $0.inherited = ["NOT_SET"] }
        var target = ExecTarget(.argv(["env"]))
        target.environment = ["OWN": "a b\nc=ü", "LANG": "fr_FR.UTF-8", "CARILLON_ATTEMPT": "9"]
        target.inheritEnvironment = ["PASSED", "NOT_SET_EITHER"]
        #expect(await bench.run(target) == .succeeded(Outcome(exitCode: 0)))
        let file = try #require(bench.fixture.words(ofStatus: bench.attempt()).first?.last)
        let lines = Set(bench.log().split(separator: "\n").map(String.init))
        let account = try #require(getpwuid(geteuid())).pointee
        #expect(
            lines == [
                "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=\(String(cString: account.pw_dir))",
                "USER=\(String(cString: account.pw_name))", "LANG=fr_FR.UTF-8", "PASSED=p", "OWN=a b", "c=ü",
                "CARILLON_RUN_ID=\(bench.attempt().run)", "CARILLON_JOB=job",
                "CARILLON_SCHEDULED_AT=2027-01-15T08:00:00Z", "CARILLON_ATTEMPT=1", "CARILLON_MARK=\(file)",
                "TRACEPARENT=\(bench.attempt().traceparent)",
            ])
        await bench.end()
    }

    @Test(.enabled(if: geteuid() == 0)) func anotherUserMayOpenItsOutputByName() async throws {
        let bench = try await ExecBench()
        let target = ExecTarget(
            .shell("echo out > /dev/stdout; echo err > /dev/stderr"), directory: "/", user: "nobody")
        #expect(await bench.run(target) == .succeeded(Outcome(exitCode: 0)))
        #expect(bench.log() == "out\nerr\n")
        await bench.end()
    }

    @Test func wordsArriveAsTheyAre() async throws {
        let bench = try await ExecBench()
        let words = ["a b", "", "ü€😀", "$HOME * `x`", "-n", "two\nlines", "\"'\\"]
        _ = await bench.run(ExecTarget(.argv(["printf", "<%s>\n"] + words)))
        #expect(bench.log() == words.map { "<\($0)>\n" }.joined())
        await bench.end()
    }

    @Test func aShellLineIsOne() async throws {
        let bench = try await ExecBench()
        _ = await bench.run(ExecTarget(.shell("x=$(echo one | tr a-z A-Z); echo \"$x\" && echo two >&2")))
        #expect(bench.log() == "ONE\ntwo\n")
        await bench.end()
    }

    @Test func itStartsInItsDirectory() async throws {
        let bench = try await ExecBench()
        mkdir(bench.fixture.directory + "/a place", 0o700)
        let place = bench.fixture.directory + "/a place"
        _ = await bench.run(ExecTarget(.argv(["/bin/pwd"]), directory: place))
        #expect(bench.log() == place + "\n")

        let missing = bench.fixture.directory + "/none"
        let what = await bench.run(ExecTarget(.argv(["pwd"]), directory: missing), 2)
        #expect(what?.error == "cannot enter directory \(missing): No such file or directory")

        let relative = await bench.run(ExecTarget(.argv(["pwd"]), directory: "here"), 3)
        #expect(relative?.error == "refused: the working directory 'here' must be an absolute path")
        await bench.end()
    }

    @Test func programsAreLookedUpInItsPath() async throws {
        let bench = try await ExecBench()
        let folder = bench.fixture.directory
        for (name, text, mode) in [("tool", "echo \"$0 $@\"", 0o755), ("denied", "exit", 0o644)] {
            let file = open("\(folder)/\(name)", O_WRONLY | O_CREAT | O_CLOEXEC, mode_t(mode))
            _ = write(file, text, text.utf8.count)
            close(file)
        }
        // No interpreter is named in it, so it is the shell's.
        let paths = ["/none:\(folder)/tool:\(folder):/bin", "\(folder)", ":/bin"]
        for (number, path) in paths.enumerated() {
            let target = ExecTarget(.argv(["tool", "a b", "c"]), environment: ["PATH": path], directory: folder)
            #expect(await bench.run(target, UInt64(number)) == .succeeded(Outcome(exitCode: 0)))
            let found = number == 2 ? "tool" : folder + "/tool"
            #expect(bench.log(UInt64(number)) == "\(found) a b c\n")
        }
        let denied = ExecTarget(.argv(["denied"]), environment: ["PATH": "\(folder):/bin"])
        #expect(await bench.run(denied, 9)?.error == "cannot run denied: Permission denied")
        await bench.end()
    }

    @Test func inputIsReadToItsEnd() async throws {
        let bench = try await ExecBench()
        // More than a pipe holds.
        let input = String(repeating: "0123456789abcdé\n", count: 20_000)
        _ = await bench.run(ExecTarget(.argv(["cksum"]), input: input))
        _ = await bench.run(ExecTarget(.shell("cat; echo end")), 2)
        _ = await bench.run(ExecTarget(.shell("cat; echo end"), input: ""), 3)
        _ = await bench.run(ExecTarget(.argv(["wc", "-c"]), input: input), 4)
        #expect(bench.log().hasSuffix(" \(input.utf8.count)\n"))
        #expect(bench.log(2) == "end\n")
        #expect(bench.log(3) == "end\n")
        #expect(bench.log(4) == "\(input.utf8.count)\n")
        await bench.end()
    }

    @Test func itInheritsNoSignalAndNoDescriptor() async throws {
        let bench = try await ExecBench()
        _ = await bench.run(ExecTarget(.argv(["grep", "-E", "^(SigBlk|SigIgn|SigPnd)", "/proc/self/status"])))
        let masks = bench.log().split(separator: "\n").map { $0.split(separator: "\t").last }
        #expect(masks == ["0000000000000000", "0000000000000000", "0000000000000000"])
        // The fourth is the directory that is being read.
        _ = await bench.run(ExecTarget(.argv(["ls", "/proc/self/fd"])), 2)
        #expect(bench.log(2) == "0\n1\n2\n3\n")
        await bench.end()
    }

    @Test func itLeadsAGroupInASessionWithoutTerminal() async throws {
        let bench = try await ExecBench()
        _ = await bench.run(ExecTarget(.argv(["cut", "-d ", "-f1,5,6,7", "/proc/self/stat"])))
        let numbers = bench.log().split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        try #require(numbers.count == 4)
        #expect(numbers[0] == numbers[1])
        #expect(numbers[2] != Int(getsid(0)))
        #expect(numbers[3] == 0)
        await bench.end()
    }

    @Test func whatCannotBeAProgramIsRefused() async throws {
        let bench = try await ExecBench()
        let refusals: [(ExecTarget, String)] = [
            (ExecTarget(.argv([])), "no program is named"),
            (ExecTarget(.argv([""])), "no program is named"),
            (ExecTarget(.argv(["echo", "a\0b"])), "an argument or an environment variable holds a NUL"),
            (
                ExecTarget(.argv(["echo"]), environment: ["A=B": "c"]),
                "the environment name 'A=B' is empty or holds an equals sign"
            ),
            (
                ExecTarget(.argv(["echo", String(repeating: "x", count: 200_000)])),
                "its arguments and environment are too long"
            ),
            (ExecTarget(.argv(["echo"]), user: "no-such-user"), "there is no user 'no-such-user'"),
        ]
        for (target, text) in refusals where target.user == nil || geteuid() == 0 {
            #expect(await bench.send(target) == .refused(text))
            // Nothing of it is left: the same attempt may come again.
            #expect(!bench.fixture.exists("state/attempts/\(bench.attempt())"))
        }
        #expect(await bench.run(ExecTarget(.argv(["true"]))) == .succeeded(Outcome(exitCode: 0)))
        await bench.end()
    }

    @Test(.enabled(if: geteuid() == 0, "only root may become another user"))
    func rootRunsItAsAnotherUser() async throws {
        let bench = try await ExecBench()
        let line = "id -u; id -g; id -G; echo $USER; pwd; cat \(bench.fixture.directory)/state/boot"
        let what = await bench.run(ExecTarget(.shell(line), user: "nobody"))
        let nobody = try #require(getpwnam("nobody")).pointee
        let lines = bench.log().split(separator: "\n")
        try #require(lines.count >= 5)
        #expect(lines[0] == "\(nobody.pw_uid)")
        #expect(lines[1] == "\(nobody.pw_gid)")
        #expect(lines[2] == "\(nobody.pw_gid)")
        #expect(lines[3] == "nobody")
        // Its home does not exist, and nobody asked for it.
        #expect(lines[4] == "/")
        // The state directory is the daemon's alone.
        #expect(what?.error == "exit code 1")
        await bench.end()
    }
}
