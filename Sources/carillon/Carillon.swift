import ArgumentParser
@main struct C: ParsableCommand { mutating func run() { print("hi") } }
