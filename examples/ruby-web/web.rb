# A web application in Ruby: what it needs from its surroundings comes in variables.
require "json"
require "socket"

trap("TERM") { exit }
server = TCPServer.new(ENV.fetch("HOST"), ENV.fetch("PORT").to_i)
loop do
  Thread.start(server.accept) do |client|
    path = client.gets.to_s.split[1]
    nil until ["\r\n", nil].include?(client.gets)
    text = path == "/health" ? JSON.generate(version: ENV.fetch("RELEASE_VERSION")) : "Hello from Ruby\n"
    client.write("HTTP/1.1 200 OK\r\nContent-Length: #{text.bytesize}\r\nConnection: close\r\n\r\n#{text}")
    client.close
  end
end
