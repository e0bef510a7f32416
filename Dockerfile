# The Blog service. docker compose up --build
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source
COPY . .
# SQL Server's driver does not work in invariant globalisation; the images bring ICU.
RUN dotnet publish src/Blog/Blog.Server -c Release -o /app -p:InvariantGlobalization=false

FROM mcr.microsoft.com/dotnet/aspnet:10.0
WORKDIR /app
COPY --from=build /app .
RUN mkdir /data && chown $APP_UID /data
USER $APP_UID
ENV Storage__Directory=/data Endpoints__Grpc=http://*:5000 Endpoints__Http=http://*:5001
VOLUME /data
EXPOSE 5000 5001
ENTRYPOINT ["dotnet", "Blog.Server.dll"]
